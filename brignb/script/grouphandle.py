"""One run of a group: its members performed on the job loop, functions in threads of their own."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

from brignb.errors import JobCanceled, JobDefinitionError
from brignb.script import portal
from brignb.script.handle import JobHandle
from brignb.script.started import Started


@runtime_checkable
class Runs(Protocol):
    """A job or a group: it can be started, and an owner answers for it."""

    def run(self, *, owner: Started[Any] | None = None) -> Started[Any]:
        """Start it."""


Member = Runs | Started[Any] | Callable[[], Any]


class GroupHandle(Started[list[JobHandle]]):
    """Waiting for it answers its jobs' handles in the order in which they were written down, or raises the first failure.

    Args:
        members: What it runs.
        in_turn: One after the other.
        limit: How many at the same time; None: all.
    """

    def __init__(self, members: Sequence[Member], *, in_turn: bool, limit: int | None) -> None:
        super().__init__()
        self._members = members
        self._in_turn = in_turn
        self._limit = limit
        self._work: asyncio.Task[list[JobHandle]] | None = None
        self._canceled = False
        self._started: list[Started[Any]] = []

    @property
    def what(self) -> str:
        """What it is, for messages."""
        return f"group of {len(self._members)}"

    @property
    def handles(self) -> tuple[JobHandle, ...]:
        """What has been started so far, in that order."""
        return tuple(handle for started in tuple(self._started) for handle in _handles(started))

    def __repr__(self) -> str:
        """What it is, how it is, and its jobs so far."""
        how = "running" if not self.done() else "failed" if self.failure else "succeeded"
        jobs = ", ".join(f"{handle.name} {handle.state}" for handle in self.handles)
        return f"<{self.what}: {how}{f'; {jobs}' if jobs else ''}>"

    def begin(self) -> None:
        """Let it run; `Group.run` has done so."""
        portal.submit(self._live())

    def cancel(self) -> None:
        """Cancel what runs, skip the rest; returns at once."""
        portal.call(self._stop)

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
            self._end(None, self._cancellation())
        elif failure := self._work.exception():
            self._end(None, failure)
        else:
            self._end(self._work.result())

    def _cancellation(self) -> BaseException:
        canceled = (each.failure for each in self.handles if isinstance(each.failure, JobCanceled))
        return next(canceled, None) or JobCanceled(name="group", job_id="nothing of it was running")

    async def _one_by_one(self) -> list[JobHandle]:
        return [handle for member in self._members for handle in await self._one(member)]

    async def _at_once(self) -> list[JobHandle]:
        gate = asyncio.Semaphore(self._limit or len(self._members) or 1)

        async def gated(member: Member) -> list[JobHandle]:
            async with gate:
                return await self._one(member)

        try:
            async with asyncio.TaskGroup() as tasks:
                running = [tasks.create_task(gated(member)) for member in self._members]
        except BaseExceptionGroup as failures:
            raise _first(failures) from None
        return [handle for task in running for handle in task.result()]

    async def _one(self, member: Member) -> list[JobHandle]:
        """Run a member, to its end."""
        if isinstance(member, Started):
            return await self._followed(member)
        if isinstance(member, Runs):
            return await self._followed(member.run(owner=self))
        made = await portal.in_thread(lambda: _called(member))
        if made is None:
            return []
        if not isinstance(made, Runs | Started):
            raise JobDefinitionError(
                f"answered {type(made).__name__}, not a job, a group or nothing", where=f"Group: {_place(member)}"
            )
        return await self._one(made)

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


def _place(step: Callable[[], Any]) -> str:
    code = getattr(step, "__code__", None)
    name = getattr(step, "__qualname__", repr(step))
    return f"{name} ({code.co_filename}:{code.co_firstlineno})" if code else name
