"""What can go wrong, as one tree.

    BrignbError
    ├── BadInput                 the caller's words are off            exit 2, HTTP 400
    │   ├── ProjectFileError     a project file, with line and key
    │   ├── NotebookError        a notebook, with cell and line
    │   ├── PayloadError         a JSON body
    │   ├── ParameterError       a parameter of a notebook
    │   └── JobDefinitionError   a Job that cannot be started as it is written
    ├── NotFound                 nothing has that name or id           exit 2, HTTP 404
    ├── Conflict                 it exists already                     exit 2, HTTP 409
    ├── Unreachable              the server cannot be reached          exit 3
    │   └── Down                 nobody listens at its address
    ├── Refused                  the server refuses the caller         exit 3, HTTP 401/403
    ├── Unavailable              it cannot be stored now               HTTP 503
    │   └── Away                 the database does not answer
    ├── SourceError              no source: commit, ref, repository    a build's reason
    ├── SecretMissing            a secret that the project has not
    └── JobError                 a job that did not succeed
        ├── JobFailed            it ended with a non-zero exit code
        ├── JobTimedOut          its time was up
        ├── JobCanceled          somebody, or its group, ended it
        ├── JobLost              nobody knows what became of it
        └── JobRefused           the executor will not run it as it is

Every error says what was wrong, `where` (file, cell, line, field; may be empty) and, in `hint`, what to do. HTTP statuses and
exit codes are given out above, in `api` and `cli`; an error knows neither. No message ever holds a secret's value.
"""

from __future__ import annotations

from typing import Any


class BrignbError(Exception):
    """Something brignb can explain.

    Args:
        message: What was wrong, one sentence.
        where: File, cell, line or field; empty when there is no place.
        hint: What to do about it; empty when nothing is known.
    """

    code = "error"

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        """Place, message and hint, on one line each where there is one."""
        head = f"{self.where}: {self.message}" if self.where else self.message
        return f"{head}\n  {self.hint}" if self.hint else head

    def to_json(self) -> dict[str, Any]:
        """The body of the contract's error answer, without its `error` envelope."""
        return {"code": self.code, "message": self.message, "where": self.where, "hint": self.hint}


class BadInput(BrignbError):
    """The caller's words are off."""

    code = "bad_input"


class ProjectFileError(BadInput):
    """A project file that cannot be taken."""

    code = "project_file"


class NotebookError(BadInput):
    """A notebook that cannot be read, exported or run."""

    code = "notebook"


class PayloadError(BadInput):
    """A body that is not the JSON it should be."""

    code = "payload"


class ParameterError(BadInput):
    """A parameter with a wrong name or a value of a wrong type."""

    code = "parameter"


class JobDefinitionError(BadInput):
    """A Job that cannot be started as it is written."""

    code = "job"


class NotFound(BrignbError):
    """Nothing has that name or id."""

    code = "not_found"


class Conflict(BrignbError):
    """It exists already."""

    code = "conflict"


class Unreachable(BrignbError):
    """The server cannot be reached."""

    code = "unreachable"


class Down(Unreachable):
    """Nobody listens at the server's address: it is not running, rather than out of reach."""


class Refused(BrignbError):
    """The server refuses the caller."""

    code = "refused"


class Unavailable(BrignbError):
    """It cannot be stored now; ask again later."""

    code = "unavailable"


class Away(Unavailable):
    """The database does not answer; it may be back in a moment, and what was asked may have been done or not."""


class SourceError(BrignbError):
    """No source for the build.

    Args:
        reason: The build's `reason`: `commit_not_found`, `ref_not_found`, `repository_unreachable`, `untrusted_commit`,
            `source_too_large`, `submodules_failed`, `no_source`, `notebook_missing`, `notebook_invalid`.
    """

    code = "source"

    def __init__(self, reason: str, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(message, where=where, hint=hint)
        self.reason = reason


class SecretMissing(BrignbError, KeyError):
    """A secret that the project does not have."""

    code = "secret"


class JobError(BrignbError):
    """A job that did not succeed.

    Args:
        name: The job's name.
        job_id: Its id, `<name>-<ulid>`.
        exit_code: Of the job's process; None when it has none (canceled before its start, lost, killed).
        reason: One word of the executor, such as `exit_code`, `timeout`, `signal`, `oom`.
        tail: The log's last lines, at most 20, redacted.
    """

    code = "job_error"
    verb = "did not succeed"

    def __init__(
        self,
        *,
        name: str,
        job_id: str,
        exit_code: int | None = None,
        reason: str = "",
        tail: tuple[str, ...] = (),
        hint: str = "",
    ) -> None:
        what = f"job {name} ({job_id}) {self.verb}"
        facts = [f"exit code {exit_code}"] if exit_code is not None else []
        if reason and reason not in self.verb and not (reason == "exit_code" and facts):
            facts.append(reason)
        super().__init__(f"{what}: {', '.join(facts)}" if facts else what, hint=hint)
        self.name = name
        self.job_id = job_id
        self.exit_code = exit_code
        self.reason = reason
        self.tail = tail

    def __str__(self) -> str:
        """The message, then the log's tail, indented."""
        return "\n".join([super().__str__(), *(f"  | {line}" for line in self.tail)])


class JobFailed(JobError):
    """It ended with a non-zero exit code, or its executor says that it failed."""

    code = "job_failed"
    verb = "failed"


class JobTimedOut(JobError):
    """Its time was up; it was killed."""

    code = "job_timed_out"
    verb = "was killed when its time was up"


class JobCanceled(JobError):
    """Somebody, or its group, ended it."""

    code = "job_canceled"
    verb = "was canceled"


class JobLost(JobError):
    """Nobody knows what became of it."""

    code = "job_lost"
    verb = "was lost"


class JobRefused(JobError):
    """The executor will not run it as it is."""

    code = "job_refused"
    verb = "was refused"
