"""News of builds: who follows a build waits here until something about it has changed.

Of one process; those of several, apart, tell each other by `line` (see `SharedNews`).
"""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Callable


class News:
    """Numbers what is rung for a build; a waiter names the number it has seen, so that no ring falls between two waits.

    Numbers only grow, and forgetting a build is a ring too: who looked before it never waits for a number that cannot come again.
    All methods are called on one event loop.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._forgotten = 0
        self._latest: dict[str, int] = {}
        self._waiting: defaultdict[str, set[asyncio.Future[None]]] = defaultdict(set)

    def ring(self, build_id: str) -> None:
        """Something about a build has changed: its log, its jobs or its state."""
        self._ring(build_id)

    def _ring(self, build_id: str) -> None:
        self._latest[build_id] = next(self._numbers)
        for waiter in self._waiting.pop(build_id, ()):
            if not waiter.done():
                waiter.set_result(None)

    def seen(self, build_id: str) -> int:
        """The latest number; read it before looking, then wait for more."""
        return self._latest.get(build_id, self._forgotten)

    async def wait(self, build_id: str, seen: int) -> None:
        """Until there is another number than `seen`; sometimes sooner."""
        if self.seen(build_id) != seen:
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
        """Nothing more is to be told of a build for now; its waiters look once more, its number goes."""
        self._end(build_id)

    def _end(self, build_id: str) -> None:
        self._ring(build_id)
        self._forgotten = self._latest.pop(build_id)

    def ring_all(self) -> None:
        """Anything may have changed: everybody who waits looks."""
        for build_id in list(self._waiting):
            self._ring(build_id)


class SharedNews(News):
    """Of several processes: what is rung in one is heard in all.

    Args:
        tell: Tells the others a word and what it is about; see `line.Line.tell`.
    """

    def __init__(self, tell: Callable[[str, str], None]) -> None:
        super().__init__()
        self._tell = tell

    def ring(self, build_id: str) -> None:
        """Here, and to the others."""
        self._ring(build_id)
        self._tell("build", build_id)

    def forget(self, build_id: str) -> None:
        """Here, and to the others."""
        self._end(build_id)
        self._tell("ended", build_id)

    def heard(self, word: str, build_id: str) -> None:
        """From another one: `build`, `ended` or `all`; other words are not news."""
        match word:
            case "build":
                self._ring(build_id)
            case "ended":
                self._end(build_id)
            case "all":
                self.ring_all()
