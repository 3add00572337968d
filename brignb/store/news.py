"""News of builds: who follows a build waits here until something about it has changed.

One process for now; the seam is two methods, so that a database's notifications can stand behind it later.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict


class News:
    """Counts what was rung for a build; a waiter names the count it has seen, so that no ring falls between two waits.

    All methods are called on one event loop.
    """

    def __init__(self) -> None:
        self._counts: defaultdict[str, int] = defaultdict(int)
        self._waiting: defaultdict[str, set[asyncio.Future[None]]] = defaultdict(set)

    def ring(self, build_id: str) -> None:
        """Something about a build has changed: its log, its jobs or its state."""
        self._counts[build_id] += 1
        for waiter in self._waiting.pop(build_id, ()):
            if not waiter.done():
                waiter.set_result(None)

    def seen(self, build_id: str) -> int:
        """How often it was rung so far; read it before looking, then wait for more."""
        return self._counts.get(build_id, 0)

    async def wait(self, build_id: str, seen: int) -> None:
        """Until it was rung more often than `seen`."""
        if self._counts.get(build_id, 0) != seen:
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[build_id].add(waiter)
        try:
            await waiter
        finally:
            waiters = self._waiting.get(build_id, set())
            waiters.discard(waiter)
            if not waiters:
                self._waiting.pop(build_id, None)

    def forget(self, build_id: str) -> None:
        """A build has ended and its last news was rung; its count goes, its waiters look once more."""
        self.ring(build_id)
        self._counts.pop(build_id, None)
