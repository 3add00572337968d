"""Retention: records, logs and payloads go when the policy says so; delivery ids stay their own time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Final

from brignb.controller.site import Site
from brignb.errors import Unavailable

log = logging.getLogger(__name__)

EVERY: Final = 3600.0
"""Seconds between two sweeps when nothing ends."""
_PAUSE: Final = 5.0
"""Seconds between two sweeps when builds end all the time."""


class Retention:
    """Sweeps at the start, soon after builds have ended, and every hour.

    Args:
        site: Its store and archive.
        keep_ms: How long a terminal build is kept; None: for ever.
        keep_builds: How many terminal builds of a project are kept; None: all.
    """

    def __init__(self, site: Site, keep_ms: int | None, keep_builds: int | None) -> None:
        self._site = site
        self._keep_ms = keep_ms
        self._keep_builds = keep_builds
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """A build has ended."""
        self._woken.set()

    async def run(self) -> None:
        """Until it is canceled."""
        await self._sweep_strays()
        while True:
            self._woken.clear()
            try:
                await self.sweep()
            except Unavailable as error:
                log.error("retention: %s; it is tried again", error)  # noqa: TRY400 - an error for people
            await asyncio.sleep(_PAUSE)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EVERY):  # `wait_for` may lose a cancel that comes together with a wake
                    await self._woken.wait()

    async def sweep(self) -> int:
        """Forget what is over; answers how many builds went."""
        site, gone, more = self._site, 0, True
        while more:
            expired = await site.store.expire(at=site.now_ms(), keep_ms=self._keep_ms, keep_builds=self._keep_builds)
            await asyncio.to_thread(site.archive.forget, expired.builds)
            gone, more = gone + len(expired.builds), expired.more
        if gone:
            log.info("retention: %d builds went", gone)
        return gone

    async def _sweep_strays(self) -> None:
        """What the archive has of builds that nobody knows: of deleted projects, and of a sweep that a kill cut in two."""
        site = self._site
        for build_id in await asyncio.to_thread(site.archive.builds):
            if await site.store.build(build_id) is None:
                await asyncio.to_thread(site.archive.forget, [build_id])
