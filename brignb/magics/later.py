"""What a magic answers that has handlers to run: awaited where it can be, else waited for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

from brignb.magics.saying import plainly


class Waits(Awaitable[Any], Protocol):
    """What can be awaited, and waited for."""

    def wait(self) -> Any:
        """Do it from plain code."""


@dataclass(frozen=True, slots=True)
class Later:
    """What a command answers that has handlers to run: where it can be it is awaited, else waited for.

    Args:
        waits: The work.
        told: What is printed of its answer; empty: nothing.
        ours: Whether an error of ours is about the command, and not a handler's: then it is told in one line.
    """

    waits: Waits
    told: Callable[[Any], str]
    ours: bool = False

    def wait(self) -> None:
        """Do it, from plain code."""
        __tracebackhide__ = True  # IPython leaves this frame out of an author's traceback
        with plainly() if self.ours else nullcontext():
            self._tell(self.waits.wait())

    async def done(self) -> None:
        """Do it on this event loop."""
        __tracebackhide__ = True  # the same
        with plainly() if self.ours else nullcontext():
            self._tell(await self.waits)

    def _tell(self, answer: Any) -> None:
        if text := self.told(answer):
            print(text)  # noqa: T201 - the cell's output is the place
