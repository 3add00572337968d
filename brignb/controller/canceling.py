"""Somebody asks for a build's end, wherever it runs."""

from __future__ import annotations

from collections.abc import Callable

from brignb.controller.site import Site
from brignb.model.builds import Build, State


async def cancel(site: Site, build_id: str, *, tell: Callable[[str], None]) -> Build | None:
    """Pending: canceled at once; running: whoever runs it is told, a notebook or a pod when it asks; ended: nothing changes.

    Args:
        site: Its store and news.
        build_id: Which.
        tell: Tells all controllers, here and elsewhere.

    Returns:
        As it is then; None: no such build.
    """
    build = await site.store.cancel(build_id, at=site.now_ms())
    if build is None:
        return None
    if build.state is State.RUNNING:
        tell(build_id)
    (site.news.forget if build.state.terminal else site.news.ring)(build_id)
    return build
