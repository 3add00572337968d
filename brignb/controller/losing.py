"""What becomes of a running build whose worker is gone (contract, "What an accepted event may become")."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from brignb.controller.records import debug_command, materialise
from brignb.controller.site import Site
from brignb.model.builds import NOTEBOOK, Outcome, State

log = logging.getLogger(__name__)

STARTS_MAX: Final = 5
"""Attempts after which a build whose worker keeps dying before its first cell is given up as `lost`."""


async def finish(site: Site, build_id: str, attempt: int, outcome: Outcome) -> None:
    """End an attempt whose worker is elsewhere, without its help: with a truthful record, unless it has ended already."""
    if await site.store.finish(build_id, attempt=attempt, outcome=outcome, at=site.now_ms()):
        await asyncio.to_thread(materialise, site.archive, build_id, outcome, debug=debug_command(build_id))
    site.news.forget(build_id)


async def lose(site: Site, build_id: str, *, why: str, reason: str = "worker_died", attempt: int | None = None) -> None:
    """Queue it again, or end it as `lost`: before its first cell it had not begun; after, only the project's `retries` run it again.

    Args:
        site: What builds are made with.
        build_id: The build; nothing happens unless it runs.
        why: For people.
        reason: For programs, if it is lost.
        attempt: Whose worker is gone; None: that of the attempt that runs now.
    """
    build = await site.store.build(build_id)
    if build is None or build.state is not State.RUNNING or attempt not in {None, build.attempt}:
        return
    project = await site.store.project(build.project)
    begun = build.first_cell_at is not None
    retries = project.retries if project else 0
    if not begun and build.attempt < STARTS_MAX:
        log.warning("build %s: %s before its first cell; it is queued again", build.id, why)
        await site.store.requeue(build.id, attempt=build.attempt, lost=False)
    elif begun and build.losses < retries:
        log.warning("build %s: %s; retry %d of %d", build.id, why, build.losses + 1, retries)
        await site.store.requeue(build.id, attempt=build.attempt, lost=True)
    else:
        outcome = Outcome(state=State.LOST, reason=reason, message=why)
        debug = "" if build.tier == NOTEBOOK else debug_command(build.id)
        await asyncio.to_thread(materialise, site.archive, build.id, outcome, debug=debug)
        await site.store.finish(build.id, attempt=build.attempt, outcome=outcome, at=site.now_ms())
    site.news.ring(build.id)
