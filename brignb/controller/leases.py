"""What is known of a notebook that listens: its lease, and the build in its hands."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from brignb.controller.listening import StoreListener
from brignb.errors import Conflict
from brignb.model.builds import Build
from brignb.model.events import Event
from brignb.store.seam import Wanted


@dataclass(slots=True)
class Held:
    """A build in a kernel's hands."""

    build: Build
    event: Event | None = None
    words: StoreListener | None = None
    killer: asyncio.TimerHandle | None = None


@dataclass(slots=True)
class Lease:
    """A kernel that listens.

    Args:
        id: Of the lease.
        wanted: What it takes.
        timer: Of its end.
        held: What it has in its hands.
        last: The build and the attempt that it ended last.
        over: Whether it has ended.
        turn: One call for the next event at a time.
        fate: Its build is not given away while something that is said of it is being written.
    """

    id: str
    wanted: Wanted
    timer: asyncio.TimerHandle | None = None
    held: Held | None = None
    last: tuple[str, int] | None = None
    over: bool = False
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    fate: asyncio.Lock = field(default_factory=asyncio.Lock)


async def rings(bell: asyncio.Event, ends: Iterable[asyncio.Task[None]]) -> bool:
    """Until the bell rings; False when something ended first."""
    rung = asyncio.create_task(bell.wait())
    await asyncio.wait({rung, *ends}, return_when=asyncio.FIRST_COMPLETED)
    rung.cancel()
    return not any(end.done() for end in ends)


def not_held(build_id: str) -> Conflict:
    """What a kernel is answered that speaks of a build which is not in its hands."""
    hint = "its lease was over, it was canceled, or somebody else has it by now"
    return Conflict("this notebook does not hold the build any more", where=f"build {build_id[:60]}", hint=hint)
