"""What a kernel shows, on its way to the scribe: little goes at once, much goes together.

Everything happens on the event loop's thread. What must never happen: an error of the scribe's (a full disk) that nobody hears.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

from brignb.engine.scribe import Item

NAP: Final = 0.02
"""Seconds for which text is gathered."""
_ROOM: Final = 1 << 20
"""Characters that are gathered at most."""


class Gathering:
    """See the module.

    `saw_error`: whether the cell that runs has shown an error.

    Args:
        deliver: The scribe.
        failed: Hears what `deliver` raised in a timer, where nobody else would.
    """

    def __init__(self, deliver: Callable[[list[Item]], None], failed: Callable[[BaseException], None]) -> None:
        self._deliver = deliver
        self._failed = failed
        self._items: list[Item] = []
        self._size = 0
        self._loop = asyncio.get_running_loop()
        self._last = -NAP
        self._timer: asyncio.TimerHandle | None = None
        self._cell: int | None = None
        self.saw_error = False

    def take(self, stream: str, content: Any) -> None:
        """Text, or an entry (with an empty `stream`); it belongs to the cell that runs. Before the first it is nobody's."""
        if self._cell is None:
            return
        if not stream:
            content = {**content, "cell": self._cell}
        self._items.append((stream, content))
        self.saw_error = self.saw_error or (not stream and content.get("output", {}).get("output_type") == "error")
        self._size += len(content) if stream else 0
        if self._size > _ROOM:
            self.settle()
        elif self._timer is None:
            wait = max(0.0, self._last + NAP - self._loop.time())
            self._timer = self._loop.call_later(wait, self._ring)

    def put(self, entry: Mapping[str, Any]) -> None:
        """An entry of the engine's own: delivered when this returns, after everything that was taken before."""
        if entry["op"] == "begin":
            self._cell, self.saw_error = entry["cell"], False
        self._items.append(("", entry))
        self.settle()

    def settle(self) -> None:
        """Everything that was taken is delivered when this returns."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        items, self._items, self._size = self._items, [], 0
        self._last = self._loop.time()
        self._deliver(items)

    def _ring(self) -> None:
        try:
            self.settle()
        except Exception as error:  # noqa: BLE001 - handed to who can end the run by it
            self._failed(error)
