"""What a handler last did: for which event, when, how it ended, with which jobs. Shown by `events`; forgotten when its cell is run again.

with remembering(handler, event, scope): …        # `brignb.script.calling` does so
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from brignb.errors import BrignbError, JobCanceled
from brignb.model.builds import State
from brignb.script.grouphandle import GroupHandle
from brignb.script.handle import JobHandle
from brignb.script.scope import Scope
from brignb.script.started import Started

if TYPE_CHECKING:
    from brignb.model.events import Event
    from brignb.script.handlers import Handler


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """One run of a handler.

    Args:
        event_id: Of the event that it answered.
        event_type: Of the same.
        at: When it began, milliseconds since 1970.
        state: `running`, then how it ended.
        seconds: How long it took; None while it runs.
        error: Why it failed, one line, not redacted; empty otherwise.
        scope: Knows what it started.
    """

    event_id: str
    event_type: str
    at: int
    scope: Scope
    state: State = State.RUNNING
    seconds: float | None = None
    error: str = ""

    @property
    def jobs(self) -> tuple[JobHandle, ...]:
        """The jobs that it started, alone or in groups, in that order."""
        return tuple(job for started in self.scope.started for job in _jobs(started))


@contextmanager
def remembering(handler: Handler, event: Event, scope: Scope) -> Iterator[None]:
    """Keep, on the handler, how its run goes that happens within."""
    began = time.monotonic()
    ran = Ran(event_id=event.id, event_type=event.type, at=time.time_ns() // 1_000_000, scope=scope)
    handler.memory.last = ran
    state, error = State.SUCCEEDED, ""
    try:
        yield
    except (KeyboardInterrupt, asyncio.CancelledError, JobCanceled):
        state = State.CANCELED
        raise
    except BaseException as failure:
        state, error = State.FAILED, _line(failure)
        raise
    finally:
        handler.memory.last = replace(ran, state=state, error=error, seconds=time.monotonic() - began)


def _jobs(started: Started[Any]) -> tuple[JobHandle, ...]:
    if isinstance(started, GroupHandle):
        return started.handles
    return (started,) if isinstance(started, JobHandle) else ()


def _line(failure: BaseException) -> str:
    """What went wrong, in one line; our own errors say it without their kind."""
    said = failure.message if isinstance(failure, BrignbError) else str(failure)
    first = said.partition("\n")[0]
    kind = type(failure).__name__
    return first if isinstance(failure, BrignbError) else f"{kind}: {first}" if first else kind
