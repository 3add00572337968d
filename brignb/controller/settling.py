"""Builds that have ended are moved to where they are kept (`archive.places`); soon after their end, and at the start what a kill left."""

from __future__ import annotations

import asyncio
import logging
from typing import Final, Protocol

from brignb.errors import Away, Unavailable
from brignb.store.seam import Store

log = logging.getLogger(__name__)

_PAUSE: Final = 1.0
"""Seconds between two looks when builds end all the time, and until a place that could not be used is tried again."""


class Places(Protocol):
    """What moves; `archive.places.TwoPlaces`."""

    def unsettled(self) -> tuple[str, ...]:
        """Ids of builds that may have ended."""

    def settle(self, build_id: str) -> None:
        """Move one that has."""


class Settling:
    """See the module.

    Args:
        store: Knows which builds have ended.
        places: Where they are.
    """

    def __init__(self, store: Store, places: Places) -> None:
        self._store = store
        self._places = places
        self._woken = asyncio.Event()
        self._woken.set()

    def wake(self) -> None:
        """A build has ended."""
        self._woken.set()

    async def run(self) -> None:
        """Until it is canceled."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                await self.sweep()
            except Unavailable as error:
                log.error("moving ended builds: %s; it is tried again", error)  # noqa: TRY400 - an error for people
                self._woken.set()
            await asyncio.sleep(_PAUSE)

    async def sweep(self) -> None:
        """Move what has ended. A build that the store does not know is retention's business."""
        for build_id in await asyncio.to_thread(self._places.unsettled):
            build = await self._store.build(build_id)
            if build is not None and build.state.terminal:
                await self._settle(build_id)

    async def _settle(self, build_id: str) -> None:
        try:
            await asyncio.to_thread(self._places.settle, build_id)
        except Away:
            raise
        except Unavailable as error:  # of this build: its worker wrote in its folder, and may have put anything there
            log.warning("build %s stays on this machine: %s", build_id, error)
