"""Retention: records, logs and payloads go when the policy says so; delivery ids stay their own time."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from brignb.controller.building import Site
from brignb.errors import Unavailable

log = logging.getLogger(__name__)

EVERY: Final = 3600.0
"""Seconds between two sweeps."""


class Retention:
    """Sweeps at the start and then every hour.

    Args:
        site: Its store and archive.
        keep_ms: How long a terminal build is kept; None: for ever.
        keep_builds: How many terminal builds of a project are kept; None: all.
    """

    def __init__(self, site: Site, keep_ms: int | None, keep_builds: int | None) -> None:
        self._site = site
        self._keep_ms = keep_ms
        self._keep_builds = keep_builds

    async def run(self) -> None:
        """Until it is canceled."""
        while True:
            try:
                await self.sweep()
            except Unavailable as error:
                log.error("retention: %s; it is tried again in an hour", error)  # noqa: TRY400 - an error for people
            await asyncio.sleep(EVERY)

    async def sweep(self) -> int:
        """Forget what is over; answers how many builds went."""
        site = self._site
        expired = await site.store.expire(at=site.now_ms(), keep_ms=self._keep_ms, keep_builds=self._keep_builds)
        await asyncio.to_thread(site.archive.forget, expired.builds)
        if expired.builds:
            log.info("retention: %d builds went", len(expired.builds))
        return len(expired.builds)
