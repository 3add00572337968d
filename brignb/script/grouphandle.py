"""One run of a group: its members performed on the job loop, functions in threads of their own."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, runtime_checkable

from brignb.errors import JobCanceled, JobDefinitionError
from brignb.model.builds import State
from brignb.script import portal
from brignb.script.handle import JobHandle
from brignb.script.session import Session
from brignb.script.started import Started, shown


@runtime_checkable
class Runs(Protocol):
    """A job or a group: it can be started, and an owner answers for it."""

    def run(self, *, owner: Started[Any] | None = None) -> Started[Any]:
        """Start it."""


Member = Runs | Started[Any] | Callable[[], Any]


class GroupHandle(Started[list[JobHandle]]):
    """Waiting for it answers its jobs' handles in the order in which they were written down, or raises the first failure.

    Args:
        session: Where it runs.
        members: What it runs.
        in_turn: One after the other.
        limit: How many at the same time; None: all.
        again: Runs the group once more, as it is by then.
    """

    def __init__(
        self,
        session: Session,
        members: Sequence[Member],
        *,
        in_turn: bool,
        limit: int | None,
        again: Callable[[], GroupHandle],
    ) -> None:
        super().__init__()
        self._session = session
        self._id = session.group_id()
        self._again = again
        self._members = members
        self._places: list[Started[Any] | None] = [None] * len(members)
        self._in_turn = in_turn
        self._limit = limit
        self._work: asyncio.Task[list[JobHandle]] | None = None
        self._canceled = False
        self._state = State.RUNNING
        self._started: list[Started[Any]] = []

    @property
    def what(self) -> str:
        """What it is, for messages."""
        return f"group of {len(self._members)}"

    @property
    def id(self) -> str:
        """`group-<build>-<number>`, for displays."""
        return self._id

    @property
    def groups(self) -> tuple[GroupHandle, ...]:
        """The groups in it that have been started so far, and those in them."""
        inner = [started for started in tuple(self._started) if isinstance(started, GroupHandle)]
        return tuple(inner) + tuple(group for each in inner for group in each.groups)

    @property
    def in_turn(self) -> bool:
        """Whether its members run one after the other."""
        return self._in_turn

    @property
    def parts(self) -> tuple[tuple[Member, Started[Any] | None], ...]:
        """Its members as they were written down, each with its run; None for one whose turn has not come."""
        return tuple(zip(self._members, self._places, strict=True))

    @property
    def state(self) -> State:
        """How it is."""
        return self._state

    @property
    def limit(self) -> int | None:
        """How many of its members run at the same time; None: all."""
        return self._limit

    @property
    def now(self) -> datetime:
        """The time, by the clock of its jobs."""
        return datetime.fromtimestamp(self._session.now_ms() / 1000, UTC)

    @property
    def handles(self) -> tuple[JobHandle, ...]:
        """What has been started so far, in that order."""
        return tuple(handle for started in tuple(self._started) for handle in _handles(started))

    def __repr__(self) -> str:
        """What it is, how it is, and its jobs so far."""
        jobs = ", ".join(f"{handle.name} {handle.state}" for handle in self.handles)
        return f"<{self.what}: {self.state}{f'; {jobs}' if jobs else ''}>"

    def begin(self) -> None:
        """Let it run; `Group.run` has done so."""
        portal.submit(self._live())

    def cancel(self) -> None:
        """Cancel what runs, skip the rest; returns at once."""
        portal.call(self._stop)

    def rerun(self) -> GroupHandle:
        """Run the group once more, as it is now."""
        return self._again()

    def redacted(self, text: str) -> str:
        """A text without the values of secrets."""
        return self._session.redactor(text)

    def _ipython_display_(self) -> None:
        shown(self, self._session)

    def _repr_mimebundle_(self, **_asked: Any) -> dict[str, str]:
        """All of it, as it is now."""
        from brignb.script.groupviews import render_html, render_text  # noqa: PLC0415 - views know handles, not the reverse

        return {"text/plain": render_text(self), "text/html": render_html(self)}

    def _stop(self) -> None:
        self._canceled = True
        if self._work is not None:
            self._work.cancel()

    async def _live(self) -> None:
        self._work = asyncio.create_task(self._one_by_one() if self._in_turn else self._at_once())
        if self._canceled:
            self._work.cancel()
        await asyncio.wait({self._work})
        if self._work.cancelled():
            self._conclude(State.CANCELED, None, self._cancellation())
        elif failure := self._work.exception():
            canceled = isinstance(failure, JobCanceled)
            self._conclude(State.CANCELED if canceled else State.FAILED, None, failure)
        else:
            self._conclude(State.SUCCEEDED, self._work.result())

    def _conclude(self, state: State, result: list[JobHandle] | None, failure: BaseException | None = None) -> None:
        """Shown first, then told: who was waiting may end the process."""
        self._state = state
        self._session.view.changed(self)
        self._end(result, failure)

    def _cancellation(self) -> BaseException:
        canceled = (each.failure for each in self.handles if isinstance(each.failure, JobCanceled))
        return next(canceled, None) or JobCanceled(name="group", job_id="nothing of it was running")

    async def _one_by_one(self) -> list[JobHandle]:
        return [handle for place in range(len(self._members)) for handle in await self._one(place)]

    async def _at_once(self) -> list[JobHandle]:
        gate = asyncio.Semaphore(self._limit or len(self._members) or 1)

        async def gated(place: int) -> list[JobHandle]:
            async with gate:
                return await self._one(place)

        try:
            async with asyncio.TaskGroup() as tasks:
                running = [tasks.create_task(gated(place)) for place in range(len(self._members))]
        except BaseExceptionGroup as failures:
            raise _first(failures) from None
        return [handle for task in running for handle in task.result()]

    async def _one(self, place: int) -> list[JobHandle]:
        """Run the member at that place, to its end."""
        member = self._members[place]
        made = member if isinstance(member, Runs | Started) else await portal.in_thread(lambda: _called(member))
        if made is None:
            return []
        if not isinstance(made, Runs | Started):
            raise JobDefinitionError(
                f"answered {type(made).__name__}, not a job, a group or nothing", where=f"Group: {_place(member)}"
            )
        started = made if isinstance(made, Started) else made.run(owner=self)
        self._places[place] = started
        return await self._followed(started)

    async def _followed(self, started: Started[Any]) -> list[JobHandle]:
        """Wait; this group answers for it, and takes it along when it is canceled itself."""
        started.handled = True
        self._started.append(started)
        try:
            await asyncio.wrap_future(started.gone)
        except asyncio.CancelledError:
            started.cancel()
            await asyncio.wrap_future(started.gone)
            raise
        result = await started
        if isinstance(started, GroupHandle):
            return list(result)
        return [started] if isinstance(started, JobHandle) else []


def _handles(started: Started[Any]) -> Iterator[JobHandle]:
    if isinstance(started, JobHandle):
        yield started
    elif isinstance(started, GroupHandle):
        yield from started.handles


def _called(step: Callable[[], Any]) -> Any:
    """A step's answer, on a thread of its own, where an event loop of its own can be."""
    made = step()
    if inspect.isawaitable(made) and not isinstance(made, Started | Runs):
        return asyncio.run(_awaited(made))
    return made


async def _awaited(answer: Any) -> Any:
    return await answer


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """The failure that came first; those that came while the others were being canceled are its notes."""
    first, *others = failures.exceptions
    for other in others:
        if not isinstance(other, JobCanceled):
            first.add_note(f"and: {other}")
    return first


def _place(step: Member) -> str:
    code = getattr(step, "__code__", None)
    name = getattr(step, "__qualname__", repr(step))
    return f"{name} ({code.co_filename}:{code.co_firstlineno})" if code else name
