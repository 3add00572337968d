"""What runs, and what is there: the builds that pods hold, beside the pods. Nothing that was killed or missed is left for long.

| the database says | the cluster says | then |
|---|---|---|
| a pod holds a build | it is not there, or has ended | the build goes the way of a dead worker's |
| a build has a pod of its own | it has not started, and nobody here waits for it | it is waited for |
| the attempt is over | its pod is there, at two looks | the pod goes |
| nobody knows the build | its pod was kept for people | the pod goes |
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from brignb.controller.pods.ending import conclude
from brignb.controller.pods.making import forget, sweep
from brignb.controller.pods.naming import OWN, cold_name, holder
from brignb.controller.pods.seen import Seen
from brignb.controller.pods.settings import Ground
from brignb.controller.pods.sight import Sight
from brignb.controller.site import Site
from brignb.model.builds import Build, State

HASTE: Final = 5
"""Seconds that a pod gets whose attempt is over: its worker has heard so by itself."""
_PAGE: Final = 200
_KEPT_EVERY: Final = 60
"""Looks between two at pods that are kept for people."""


async def running(site: Site) -> dict[str, Build]:
    """Builds that pods hold, by the pods' names; a warm worker has one at a time."""
    found: dict[str, Build] = {}
    cursor = None
    while True:
        page = await site.store.builds(state=State.RUNNING, limit=_PAGE, cursor=cursor)
        for build in page.items:
            if build.holder == OWN:
                found[cold_name(build.id, build.attempt)] = build
            elif build.holder and build.holder.startswith(holder("")):
                found[build.holder.removeprefix(holder(""))] = build
        if (cursor := page.next) is None:
            return found


async def held(site: Site, name: str) -> list[tuple[str, int]]:
    """The build, and the attempt, that a warm worker has in its hands."""
    return [(build.id, build.attempt) for pod, build in (await running(site)).items() if pod == name]


class Looking:
    """See the module.

    Args:
        ground: Connection and site.
        sight: The pods that are there.
        starting: Names of those that are waited for.
        adopt: Waits for a build's pod that was made before.
    """

    def __init__(
        self, ground: Ground, sight: Sight, *, starting: Collection[str], adopt: Callable[[Build, Seen], None]
    ) -> None:
        self._ground = ground
        self._sight = sight
        self._starting = starting
        self._adopt = adopt
        self._over: set[str] = set()
        self._looks = 0

    async def sweep(self) -> None:
        """Secrets that a leader before this one has left."""
        await sweep(self._ground)

    async def look(self) -> None:
        """Once; while nothing is being claimed."""
        builds = await running(self._ground.site)
        for name, build in builds.items():
            if name not in self._starting:
                await self._settle(name, build)
        over = {pod.name for pod in self._sight if self._useless(pod, builds)}
        for name in over & self._over:
            await forget(self._ground, name, grace=HASTE)
        self._over = over
        self._looks += 1
        if self._ground.settings.keep and self._looks % _KEPT_EVERY == 0:
            await self._forget_kept()

    async def _settle(self, name: str, build: Build) -> None:
        if name not in self._sight:
            await conclude(self._ground.site, build.id, build.attempt, None)
        elif self._sight[name].ended:
            await conclude(self._ground.site, build.id, build.attempt, self._sight[name])
        elif build.holder == OWN and not self._sight[name].started:
            self._adopt(build, self._sight[name])

    def _useless(self, pod: Seen, builds: Collection[str]) -> bool:
        if pod.name in builds or pod.name in self._starting or pod.leaving:
            return False
        if pod.ended:
            return not (self._ground.settings.keep and pod.attempt)
        return pod.attempt is not None

    async def _forget_kept(self) -> None:
        for pod in self._sight:
            if pod.ended and pod.attempt and await self._ground.site.store.build(pod.attempt[0]) is None:
                await forget(self._ground, pod.name)
