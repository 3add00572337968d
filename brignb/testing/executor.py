"""An executor that runs nothing and remembers all. What a job would have done is said beforehand; unsaid, it succeeds.

    fake = FakeExecutor()
    fake.job("build", outputs={"wheel": "a.whl"}, lines=["built"])
    fake.job("test-*", exit_code=1)              # by pattern; what was said last counts
    fake.job("deploy", holds=True)               # runs until it is canceled, its time is up, or fake.release("deploy")

It stands behind the executors' own seam and passes their conformance suite, as far as that is not about processes. All of it
happens at once: no thread, no file, no clock but for timeouts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any, Self

from brignb.errors import JobRefused, NotFound
from brignb.model.builds import State
from brignb.model.jobs import JobSpec, JobStatus, Support
from brignb.model.logs import LogLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a job would have done.

    Args:
        exit_code: 0 succeeds.
        outputs: What it would have written to `$BRIGNB_OUTPUT`.
        lines: What it would have printed.
        artifacts: Paths that it would have left.
        holds: Whether it runs until somebody ends it.
        refused: Why it would not be started; empty: it is.
    """

    exit_code: int = 0
    outputs: Mapping[str, str] = field(default_factory=dict)
    lines: Sequence[str] = ()
    artifacts: Sequence[str] = ()
    holds: bool = False
    refused: str = ""


@dataclass(eq=False)
class Ran:
    """A run that was asked for.

    Args:
        spec: What was asked for.
        answer: What was said of it.
    """

    spec: JobSpec
    answer: Answer
    status: JobStatus
    lines: list[LogLine] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    timer: asyncio.TimerHandle | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The job's."""
        return self.spec.name

    @property
    def image(self) -> str | None:
        """The job's."""
        return self.spec.image

    @property
    def tasks(self) -> tuple[str, ...]:
        """The job's."""
        return self.spec.tasks

    @property
    def env(self) -> Mapping[str, Any]:
        """The job's, secrets and other jobs' outputs filled in."""
        return self.spec.env

    @property
    def state(self) -> State:
        """How it is."""
        return self.status.state

    def __repr__(self) -> str:
        return f"<job {self.name}: {self.state}>"


class FakeExecutor:
    """See the module.

    Args:
        answer: Says what a job would have done, for those that `job` says nothing of.
    """

    name = "fake"

    def __init__(self, answer: Callable[[JobSpec], Answer] | None = None) -> None:
        self._answer = answer or (lambda _spec: Answer())
        self._said: list[tuple[str, Answer]] = []
        self._ran: dict[str, Ran] = {}
        self._closed = False

    def job(self, pattern: str, **answer: Any) -> Self:
        """Say what jobs of a name would do.

        Args:
            pattern: A name, or `test-*`.
            answer: See `Answer`.
        """
        self._said.append((pattern, Answer(**answer)))
        return self

    @property
    def jobs(self) -> list[Ran]:
        """All runs that were asked for, in the order in which they began."""
        return list(self._ran.values())

    def release(self, pattern: str) -> None:
        """Let jobs end that hold, as they would; from any thread."""
        for ran in self.jobs:
            if fnmatchcase(ran.name, pattern) and not ran.state.terminal:
                self._loop.call_soon_threadsafe(self._finish, ran)

    # the seam

    def supports(self, spec: JobSpec) -> Support:
        """Everything, but what was said to be refused."""
        refused = "the executor is closed" if self._closed else self._for(spec).refused
        return Support(refusals=(refused,) if refused else ())

    async def start(self, spec: JobSpec) -> None:
        """Remember it, or adopt the one of that id.

        Raises:
            JobRefused: That was said of it, or the executor is closed.
        """
        if spec.id in self._ran:
            return
        self._loop = asyncio.get_running_loop()
        if refusals := self.supports(spec).refusals:
            raise JobRefused(name=spec.name, job_id=spec.id, reason="; ".join(refusals))
        answer, at = self._for(spec), _now_ms()
        ran = self._ran[spec.id] = Ran(spec, answer, JobStatus(state=State.RUNNING, started_at=at))
        ran.lines += [LogLine(at, "stdout", line) for line in answer.lines]
        if answer.holds:
            ran.timer = self._loop.call_later(spec.timeout, self._end, ran, State.TIMED_OUT, "timeout")
        else:
            self._finish(ran)

    def logs(self, job_id: str, after: int = 0) -> AsyncIterator[list[LogLine]]:
        """See the seam."""
        return self._follow(self._run(job_id), after)

    async def status(self, job_id: str) -> JobStatus:
        """See the seam."""
        return self._run(job_id).status

    async def wait(self, job_id: str) -> JobStatus:
        """See the seam."""
        ran = self._run(job_id)
        await ran.ended.wait()
        return ran.status

    async def cancel(self, job_id: str) -> None:
        """See the seam."""
        self._end(self._run(job_id), State.CANCELED, "canceled")

    async def close(self) -> None:
        """See the seam."""
        self._closed = True
        for ran in self.jobs:
            self._end(ran, State.CANCELED, "canceled")

    def _for(self, spec: JobSpec) -> Answer:
        said = [answer for pattern, answer in self._said if fnmatchcase(spec.name, pattern)]
        return said[-1] if said else self._answer(spec)

    async def _follow(self, ran: Ran, after: int) -> AsyncIterator[list[LogLine]]:
        if ran.lines[after:]:
            yield ran.lines[after:]
        await ran.ended.wait()

    def _finish(self, ran: Ran) -> None:
        code = ran.answer.exit_code
        self._end(ran, State.FAILED if code else State.SUCCEEDED, "exit_code" if code else None, code)

    def _end(self, ran: Ran, state: State, reason: str | None, code: int | None = None) -> None:
        """Its terminal status, once."""
        if ran.ended.is_set():
            return
        if ran.timer:
            ran.timer.cancel()
        left = tuple(ran.answer.artifacts) if state is State.SUCCEEDED else ()
        ran.status = replace(
            ran.status,
            state=state,
            reason=reason,
            exit_code=code,
            finished_at=_now_ms(),
            outputs=dict(ran.answer.outputs) if code is not None else {},
            artifacts=left,
        )
        ran.ended.set()

    def _run(self, job_id: str) -> Ran:
        if job_id not in self._ran:
            raise NotFound(f"no job {job_id} was started here")
        return self._ran[job_id]

    def __repr__(self) -> str:
        return f"FakeExecutor({', '.join(map(repr, self.jobs))})"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
