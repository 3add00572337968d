"""Builds whose workers elsewhere are not heard of any more, or do not end though they were asked to; the leader looks for them.

What must never happen: a build that is `running` and that nobody runs, for longer than a lease and `EVERY`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from brignb.controller.losing import finish, lose
from brignb.controller.site import Site
from brignb.errors import Unavailable
from brignb.model.builds import CANCELED

log = logging.getLogger(__name__)

EVERY: Final = 2.0
"""Seconds between two looks: a lease's end is an event that nobody tells."""


class Overdue:
    """See the module.

    Args:
        site: What builds are made with; its archive is one that all servers share.
    """

    def __init__(self, site: Site) -> None:
        self._site = site

    async def run(self) -> None:
        """Until it is canceled."""
        while True:
            try:
                await self.look()
            except Unavailable as error:
                log.error("leases cannot be looked at: %s", error)  # noqa: TRY400 - an error for people, not a traceback
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """End, or queue again, what is overdue now."""
        for build in await self._site.store.overdue(at=self._site.now_ms()):
            if build.cancel_requested:
                await finish(self._site, build.id, build.attempt, CANCELED)
            else:
                why = "its worker was not heard of any more"
                await lose(self._site, build.id, why=why, reason="worker_lost", attempt=build.attempt)
