"""The session: where the author's words act.

In a worker it is the build; in a plain script or notebook it is made on first use (`brignb/__init__.py` tells how, through `providing`): a
ULID stands for the build's id, jobs run here, and secrets come from a project file, the environment or a prompt.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from brignb.errors import BrignbError
from brignb.model.names import job_id
from brignb.script import providing

if TYPE_CHECKING:
    from brignb.archive.seam import Archive
    from brignb.executors.seam import Executor
    from brignb.model.builds import JobRecord
    from brignb.model.jobs import JobStatus
    from brignb.model.logs import LogLine
    from brignb.model.projects import Policy
    from brignb.model.redaction import Redactor
    from brignb.script.started import Started


LastBuilds = tuple[Sequence[Mapping[str, Any]], str]
"""Builds as the API tells of them, newest first; when there are none, why."""


class View(Protocol):
    """Shows jobs and groups; a seam, so that `script` knows no display library. Must not raise."""

    def started(self, started: Started[Any], owner: Started[Any] | None) -> None:
        """Something begins now; called where `run()` was, so that it is shown under the cell that asked for it.

        Args:
            started: The job or the group.
            owner: The group in which it is shown already; None: it stands for itself.
        """

    def changed(self, started: Started[Any]) -> None:
        """A job's state changed (not: a line came), or a group has ended; called on the job loop's thread."""

    def show(self, started: Started[Any]) -> bool:
        """It is a cell's last expression, or was given to `display`. False: this view leaves that to its caller."""


class NoView:
    """Shows nothing."""

    def started(self, started: Started[Any], owner: Started[Any] | None) -> None:
        """Nothing."""

    def changed(self, started: Started[Any]) -> None:
        """Nothing."""

    def show(self, _started: Started[Any]) -> bool:
        """Nothing."""
        return False


def _untold(_job: JobRecord) -> None:
    return None


def _unheard(_job_id: str, _size: int) -> None:
    return None


def _unrestored(_job_id: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Remembered:
    """A job that has succeeded before.

    Args:
        build_id: In which build.
        status: How it ended.
        lines: Its log.
        restore: Puts its artifacts where jobs find those of a job of this id; called when `status` has some.
    """

    build_id: str
    status: JobStatus
    lines: tuple[LogLine, ...]
    restore: Callable[[str], None] = _unrestored


def _unknown() -> str | None:
    return None


def _nothing(_digest: str) -> Remembered | None:
    return None


def _no_builds() -> LastBuilds:
    return (), "no server is asked here"


def _wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


def _settled(_name: str) -> Executor:
    raise BrignbError(
        "a build's executor is not chosen here", where="project.executor", hint="its project file names it: `executor:`"
    )


async def _no_emit(_type: str, _payload: str) -> None:
    raise BrignbError(
        "there is no server to raise an event in", where="events.emit", hint="emit works in a build of `brignb serve`"
    )


@dataclass(kw_only=True)
class Session:
    """What the author's words need.

    Args:
        build_id: The build's, or a fresh ULID per kernel.
        build_ms: Its time.
        attempt: From 1.
        project: Name, repository, namespace, policy, secrets: the bound `project`.
        executor: Runs the jobs. Its coroutines run on the job loop (`brignb.script.portal`).
        executors: Makes another one of that name, where the author may choose.
        archive: Takes their logs.
        redactor: Knows the secret values.
        source: Gives the folder that stands at `/src`, or None; called once per job.
        told: Hears of each job's states, in order.
        progressed: Hears (job id, size) when lines of a job were appended.
        emit: Raises the next event in the same project (type, payload); returns when it is durable.
        commit: Asked before each job: whose files stand at `/src`, unchanged; None: nobody knows; empty: there is no source.
        remembers: A job that has succeeded before, by its `JobSpec.digest`; its recorded result stands for another run.
        project_facts: The project as it may be shown (`Project.public`), as far as it is known.
        last_builds: The project's last builds; answers soon, and never raises.
        log_cap: Bytes of a job's log that are kept.
        now_ms: The clock, for brignb's own lines.
    """

    build_id: str
    build_ms: int
    attempt: int = 1
    project_name: str
    clone_url: str | None = None
    namespace: str = "default"
    policy: Policy | None = None
    secrets: Mapping[str, str]
    executor: Executor
    archive: Archive
    redactor: Redactor
    source: Callable[[], str | None]
    told: Callable[[JobRecord], None] = _untold
    progressed: Callable[[str, int], None] = _unheard
    executors: Callable[[str], Executor] = _settled
    emit: Callable[[str, str], Awaitable[Any]] = _no_emit
    view: View = field(default_factory=NoView)
    commit: Callable[[], str | None] = _unknown
    remembers: Callable[[str], Remembered | None] = _nothing
    project_facts: Callable[[], Mapping[str, Any]] = dict
    last_builds: Callable[[], LastBuilds] = _no_builds
    log_cap: int = 64 * 1024 * 1024
    now_ms: Callable[[], int] = _wall_clock_ms
    _pid: int = field(default_factory=os.getpid)
    _groups: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _sourcing: threading.Lock = field(default_factory=threading.Lock)
    _runs: defaultdict[str, itertools.count[int]] = field(
        default_factory=lambda: defaultdict(lambda: itertools.count(1))
    )

    def of_build(self, **of_it: Any) -> Session:
        """This session in a build's service: its id, time, attempt and who hears of it; its runs are counted from one."""
        return replace(self, **of_it, _runs=defaultdict(lambda: itertools.count(1)))

    def use_executor(self, name: str) -> None:
        """Run jobs by another executor from now on; what runs goes on where it is.

        Raises:
            BadInput: There is none of that name.
            BrignbError: It is not the author's to choose here.
        """
        if name != self.executor.name:
            self.executor = self.executors(name)

    def next_run(self, name: str) -> int:
        """The how-manyth `run()` of that name in this attempt, from 1."""
        return next(self._runs[name])

    def group_id(self) -> str:
        """Of one more run of a group."""
        return f"group-{self.build_id.lower()}-{next(self._groups)}"

    def refuse_elsewhere(self, where: str) -> None:
        """A forked child may read the project; it cannot start anything: its parent counts the runs, and minds what they do.

        Raises:
            BrignbError: This process was forked from the session's.
        """
        if os.getpid() != self._pid:
            raise BrignbError(
                "a forked process cannot start anything", where=where, hint="do it in the process that forked it"
            )

    def source_folder(self) -> str | None:
        """The folder that stands at `/src`, one call at a time: it may have to be copied first.

        Raises:
            SourceError: It cannot be copied.
        """
        with self._sourcing:
            return self.source()

    def job_id(self, name: str, run: int, job_try: int) -> str:
        """The id of one try of one run (contract, "HTTP")."""
        return job_id(
            build_id=self.build_id, build_ms=self.build_ms, attempt=self.attempt, name=name, run=run, job_try=job_try
        )


_lock = threading.Lock()
_session: Session | None = None


def enter(session: Session) -> None:
    """This process is that build's worker."""
    global _session  # noqa: PLW0603 - one session per process is the point
    with _lock:
        _session = session


@contextlib.contextmanager
def acting(session: Session) -> Iterator[Session]:
    """The author's words act in this session for a while, then where they acted before."""
    global _session  # noqa: PLW0603 - the same
    with _lock:
        before, _session = _session, session
    try:
        yield session
    finally:
        with _lock:
            _session = before


def current() -> Session:
    """The session of this process, made on first use."""
    global _session  # noqa: PLW0603 - the same
    with _lock:
        if _session is None:
            make = providing.provided()
            if (
                make is None
            ):  # pragma: no cover - `brignb/__init__.py` has told how, before anything of it can be imported
                raise BrignbError("nobody said how a session is made")
            _session = make()
        return _session
