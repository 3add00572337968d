"""`JobHandle`: one run of a job, as its author holds it.

handle = job.run()
for line in handle: …          # its lines from the beginning, as they come; `async for` too
await handle                   # or handle.wait(); raises JobFailed, JobTimedOut, JobCanceled, JobLost, JobRefused
handle.outputs["wheel"]
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from brignb.errors import JobCanceled, JobError, JobFailed, JobLost, JobRefused, JobTimedOut
from brignb.model.builds import State
from brignb.script import portal
from brignb.script.bell import Bell
from brignb.script.reading import Reader, read_text
from brignb.script.running import REFUSED, Order, Running, Try
from brignb.script.session import Session
from brignb.script.started import Started, shown

if TYPE_CHECKING:
    from brignb.model.jobs import JobStatus

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ERRORS: Final = {
    State.FAILED: JobFailed,
    State.TIMED_OUT: JobTimedOut,
    State.CANCELED: JobCanceled,
    State.LOST: JobLost,
}


class JobHandle(Started["JobHandle"]):
    """See the module. Made by `Job.run`. What it tells is that of the last try so far.

    Args:
        session: Where it runs.
        order: What runs.
        again: Runs the job once more, as it is defined by then.
    """

    def __init__(self, session: Session, order: Order, again: Callable[[], JobHandle]) -> None:
        super().__init__()
        self._session = session
        self._order = order
        self._again = again
        self._bell = Bell()
        self._running = Running(session, order, changed=self._changed, grew=self._bell.ring)
        self._tries = (self._running.first(),)

    def begin(self) -> None:
        """Let it run; `Job.run` has done so."""
        portal.submit(self._live())

    def cancel(self) -> None:
        """End it now, whole; returns at once. Cancelling an ended job changes nothing."""
        portal.call(self._running.cancel)

    def rerun(self) -> JobHandle:
        """Run its job once more, as the job is defined now.

        Raises:
            JobDefinitionError: It cannot be started as it is written.
        """
        return self._again()

    # what it is

    @property
    def what(self) -> str:
        """What it is, for messages."""
        return f"job {self.name} ({self.id})"

    @property
    def name(self) -> str:
        """The job's name."""
        return self._order.spec.name

    @property
    def image(self) -> str | None:
        """The job's image."""
        return self._order.spec.image

    @property
    def fallible(self) -> bool:
        """Whether its failure is not raised."""
        return self._order.fallible

    @property
    def id(self) -> str:
        """`<name>-<ulid>`, of the last try so far."""
        return self._tries[-1].id

    @property
    def first_id(self) -> str:
        """The id of the first try, which stays."""
        return self._tries[0].id

    @property
    def attempt(self) -> int:
        """The number of the last try so far, from 1."""
        return self._tries[-1].number

    @property
    def digest(self) -> str | None:
        """Of what it is made of, see `JobSpec.digest`; None: another run cannot be told to be the same."""
        return self._running.digest

    @property
    def remembered(self) -> bool:
        """Whether it was not run: it had succeeded in the build that is being debugged, and this is what is recorded of that."""
        return self._tries[-1].remembered

    @property
    def tries(self) -> tuple[str, ...]:
        """The ids of all tries so far."""
        return tuple(self._ids())

    # how it goes

    @property
    def state(self) -> State:
        """Of the last try: a job that waits for its next try is `pending`."""
        return self._status.state

    @property
    def stage(self) -> str | None:
        """What a pending job waits for, in one word, if its executor tells: `scheduling`, `pulling`, `starting`."""
        return self._status.stage

    @property
    def exit_code(self) -> int | None:
        """As a shell gives it; None while it runs, and when it has none."""
        return self._status.exit_code

    @property
    def reason(self) -> str | None:
        """One word, such as `exit_code`, `timeout`, `refused`; None when it succeeded."""
        return self._status.reason

    @property
    def message(self) -> str | None:
        """A sentence that says more than `reason` and the exit code, redacted; None when there is none."""
        message = self._status.message
        return None if not message or self.reason in {message, "exit_code"} else self.redacted(message)

    @property
    def started_at(self) -> datetime | None:
        """When it started, UTC."""
        return _moment(self._status.started_at)

    @property
    def finished_at(self) -> datetime | None:
        """When it ended, UTC."""
        return _moment(self._status.finished_at)

    @property
    def duration(self) -> float | None:
        """Seconds from start to end; None before it has ended, and when it never started."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()

    @property
    def outputs(self) -> Mapping[str, str]:
        """What it wrote to `$BRIGNB_OUTPUT`, as it wrote it; empty until it has ended."""
        return MappingProxyType(dict(self._status.outputs))

    @property
    def artifacts(self) -> tuple[str, ...]:
        """Relative paths of what it left for other jobs."""
        return self._status.artifacts

    @property
    def logs(self) -> str:
        """What it wrote to stdout and stderr so far, redacted."""
        return read_text(self._session.archive, self._session.build_id, self.id)

    @property
    def tail(self) -> tuple[str, ...]:
        """The log's last lines, at most 20, redacted; with what brignb has to say."""
        return self._running.tail()

    @property
    def coloured_tail(self) -> tuple[str, ...]:
        """The same as the job wrote it, with its control sequences: not for showing as it is."""
        return self._running.coloured_tail()

    def read(self, job_id: str, offset: int, limit: int) -> bytes:
        """Bytes of a try's log as it is kept (`brignb.model.logs`), redacted; empty at its end.

        Args:
            job_id: One of `tries`.
            offset: Of the first byte.
            limit: How many at most.
        """
        return self._session.archive.read(self._session.build_id, job_id, offset, limit)

    def size(self, job_id: str) -> int:
        """Bytes of a try's log so far."""
        return self._session.archive.size(self._session.build_id, job_id)

    def redacted(self, text: str) -> str:
        """A text without the values of secrets."""
        return self._session.redactor(text)

    def __iter__(self) -> Iterator[str]:
        """Its lines from the beginning, redacted, of all tries; ends when it has ended."""
        portal.refuse_inside(f"iterating over {self.what}")
        reader = self._reader()
        while True:
            news, ended = self._bell.next(), self.done()
            lines = reader.read(self._ids())
            yield from lines
            if not lines:
                if ended:
                    break
                news.result()
        yield from reader.rest()

    async def __aiter__(self) -> AsyncIterator[str]:
        """The same, on any event loop."""
        reader = self._reader()
        while True:
            news, ended = self._bell.next(), self.done()
            lines = reader.read(self._ids())
            for line in lines:
                yield line
            if not lines:
                if ended:
                    break
                await asyncio.wrap_future(news)
        for line in reader.rest():
            yield line

    @property
    def _status(self) -> JobStatus:
        return self._tries[-1].status

    def _reader(self) -> Reader:
        return Reader(self._session.archive, self._session.build_id)

    def _ids(self) -> list[str]:
        return [each.id for each in self._tries]

    async def _live(self) -> None:
        try:
            await self._running.run()
        except Exception as error:  # noqa: BLE001 - a failure of ours: told to whoever waits
            self._end(None, error)
        else:
            self._end(self, self._error())
        self._bell.ring()

    def _changed(self, now: Try) -> None:
        earlier = self._tries[:-1] if self._tries[-1].number == now.number else self._tries
        self._tries = (*earlier, now)
        self._session.view.changed(self)

    def _error(self) -> JobError | None:
        """Why waiting for it raises."""
        if self.state is State.SUCCEEDED or (self.fallible and self.state is not State.CANCELED):
            return None
        refused = self.reason == REFUSED
        kind = JobRefused if refused else _ERRORS[self.state]
        return kind(
            name=self.name,
            job_id=self.id,
            exit_code=self.exit_code,
            reason=(self.message if refused else self.reason) or "",
            tail=self.tail,
            hint="" if refused else self.message or "",
        )

    def __repr__(self) -> str:
        code = f", exit code {self.exit_code}" if self.exit_code else ""
        return f"<{self.what}: {self.state}{code}>"

    def _ipython_display_(self) -> None:
        shown(self, self._session)

    def _repr_mimebundle_(self, **_asked: Any) -> dict[str, str]:
        """All of it, as it is now."""
        from brignb.script.views import render_html, render_text  # noqa: PLC0415 - views know handles, not the reverse

        return {"text/plain": render_text(self), "text/html": render_html(self)}


def _moment(ms: int | None) -> datetime | None:
    return None if ms is None else _EPOCH + timedelta(milliseconds=ms)
