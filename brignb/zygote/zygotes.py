"""All zygotes of a server: one for each set of preloaded modules, started when it is first asked for, replaced without a gap.

A zygote is replaced when it has grown, when what is installed in the environment has changed, and when it died. While the fresh one
gets ready the old one goes on; then the old one ends with its last worker. Of several sets the least recently used ones end when
there are too many.
"""

from __future__ import annotations

import asyncio
import logging
import sysconfig
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Final

from brignb.errors import Unavailable
from brignb.zygote.forked import Forked
from brignb.zygote.keeping import Ready, Zygote

log = logging.getLogger("brignb.zygote")

KEPT_MAX: Final = 4
"""Sets of preloaded modules whose zygotes are kept at a time."""

Preload = tuple[str, ...]
Start = Callable[[Zygote, Preload], Coroutine[Any, Any, Ready]]


class _Kept:
    """The zygote of one set: the one in use, and its successor while that gets ready."""

    def __init__(self, zygote: Zygote, ready: asyncio.Task[Ready], environment: int) -> None:
        self.zygote = zygote
        self.ready = ready
        self.environment = environment
        self.successor: asyncio.Task[None] | None = None


class Zygotes:
    """See the module.

    Args:
        start: Starts a zygote with a set of preloaded modules.
        environment: Answers a number that changes when the environment does.
    """

    def __init__(self, start: Start, *, environment: Callable[[], int]) -> None:
        self._start = start
        self._environment = environment
        self._kept: dict[Preload, _Kept] = {}
        self._old: set[Zygote] = set()

    async def ready(self, preload: Preload = ()) -> Ready:
        """What the set's zygote says of itself; it is started if it must be.

        Raises:
            Unavailable: It cannot be started.
        """
        kept = self._kept.get(preload)
        if kept is None:
            kept = self._kept[preload] = self._begun(preload)
            self._end_least_used()
        try:
            return await asyncio.shield(kept.ready)
        except Unavailable:
            self._forget(preload, kept)
            raise

    async def take(self, preload: Preload = ()) -> Forked:
        """A worker that waits for its assignment.

        Raises:
            Unavailable: No zygote can be started.
        """
        while True:
            await self.ready(preload)
            kept = self._kept.get(preload)
            if kept is None or not kept.zygote.usable:
                if kept is not None:  # it died in this very moment
                    self._forget(preload, kept)
                continue
            self._kept[preload] = self._kept.pop(preload)  # the last used stands last
            if kept.successor is None and (kept.zygote.grown or kept.environment != self._environment()):
                kept.successor = asyncio.create_task(self._replace(preload, kept))
            try:
                return await kept.zygote.take()
            except OSError as error:
                raise Unavailable(f"no worker can be forked now: {error}", where="zygote") from error

    def sizes(self) -> Mapping[Preload, int]:
        """Bytes of memory of each set's zygote."""
        return {preload: kept.zygote.rss for preload, kept in self._kept.items() if kept.zygote.usable}

    def processes(self) -> tuple[int, ...]:
        """The processes that this one has started for them."""
        zygotes = {kept.zygote for kept in self._kept.values()} | self._old
        return tuple(zygote.pid for zygote in zygotes if zygote.pid is not None)

    async def close(self) -> None:
        """End all of them, and whatever they forked."""
        zygotes = {kept.zygote for kept in self._kept.values()} | self._old
        unfinished = [task for kept in self._kept.values() for task in (kept.ready, kept.successor) if task is not None]
        for task in unfinished:
            task.cancel()
        if unfinished:
            await asyncio.wait(unfinished)
        self._kept.clear()
        for zygote in zygotes:
            zygote.kill()
        for zygote in zygotes:
            await zygote.gone()

    def _begun(self, preload: Preload) -> _Kept:
        zygote = Zygote(ended=self._ended)
        environment = self._environment()
        return _Kept(zygote, asyncio.create_task(self._start(zygote, preload)), environment)

    async def _replace(self, preload: Preload, old: _Kept) -> None:
        fresh = self._begun(preload)
        try:
            await fresh.ready
        except Unavailable as error:
            log.warning("the worker's zygote cannot be replaced, the old one goes on: %s", error)
            old.environment, old.successor = fresh.environment, None
            return
        if self._kept.get(preload) is old:
            self._kept[preload] = fresh
        else:
            old = fresh  # nobody wants this set any more
        self._retire(old.zygote)

    def _retire(self, zygote: Zygote) -> None:
        self._old.add(zygote)
        zygote.retire()

    def _end_least_used(self) -> None:
        idle = [preload for preload, kept in self._kept.items() if kept.zygote.usable and kept.zygote.idle]
        for preload in idle[: max(0, len(self._kept) - KEPT_MAX)]:
            self._retire(self._kept.pop(preload).zygote)

    def _forget(self, preload: Preload, kept: _Kept) -> None:
        if self._kept.get(preload) is kept:
            del self._kept[preload]

    def _ended(self, zygote: Zygote) -> None:
        self._old.discard(zygote)
        for preload, kept in tuple(self._kept.items()):
            if kept.zygote is zygote:
                log.warning("a zygote died; the next build starts another")
                self._forget(preload, kept)


def environment_stamp() -> int:
    """Changes when something is installed into, or taken out of, the environment."""
    places = {sysconfig.get_path(kind) for kind in ("purelib", "platlib")}
    return hash(tuple(Path(place).stat().st_mtime_ns for place in sorted(places)))
