"""Warm workers of all projects that want some: what `pool` plans is done here."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine
from typing import Any, Final

from brignb.controller.pods.making import bequeath, forget, make
from brignb.controller.pods.manifest import made_of, warm
from brignb.controller.pods.naming import warm_name
from brignb.controller.pods.pool import Pool
from brignb.controller.pods.seen import Seen
from brignb.controller.pods.settings import Ground
from brignb.controller.pods.sight import Sight
from brignb.errors import BrignbError, Unavailable

log = logging.getLogger(__name__)

PATIENCE_MS: Final = 2000
"""How long a build of a project whose warm workers wait is left to them."""
_RANDOM: Final = 4
"""Bytes of a name."""


class Warming:
    """See the module.

    Args:
        ground: What pods are made with.
        sight: Those that are there.
        soon: Begins what is not waited for.
        wake: Is called when `tend` is to be called again.
    """

    def __init__(
        self,
        ground: Ground,
        sight: Sight,
        *,
        soon: Callable[[Coroutine[Any, Any, None], str], None],
        wake: Callable[[], None],
    ) -> None:
        self._ground = ground
        self._sight = sight
        self._soon = soon
        self._wake = wake
        self._pools: dict[str, Pool] = {}
        self._stale = True
        self._alarm: asyncio.TimerHandle | None = None

    def stale(self) -> None:
        """Projects have changed."""
        self._stale = True

    def stir(self, project: str) -> None:
        """An event of the project has come."""
        if pool := self._pools.get(project):
            pool.stir(self._ground.site.now_ms())

    def waiting(self) -> list[str]:
        """Names of projects with a warm worker that waits for builds, or runs one."""
        ready = {pod.project_id for pod in self._sight if pod.waits}
        return [name for name, pool in self._pools.items() if pool.project.id in ready]

    def heard(self, pod: Seen) -> None:
        """Of a warm worker."""
        for pool in self._pools.values():
            if pod.ended and pool.project.id == pod.project_id:
                pool.died(pod, self._ground.site.now_ms())

    async def tend(self) -> None:
        """Make what is wanted, let go of what is not.

        Raises:
            Unavailable: The database is away.
        """
        if self._stale:
            self._stale = False
            await self._read()
        again = [each for pool in self._pools.values() if (each := await self._tend(pool)) is not None]
        ours = {pool.project.id for pool in self._pools.values()}
        for pod in self._sight:
            if pod.attempt is None and pod.project_id not in ours and not pod.leaving and not pod.ended:
                await forget(self._ground, pod.name)
        if self._alarm:
            self._alarm.cancel()
        if again:
            seconds = max(min(again) - self._ground.site.now_ms(), 0) / 1000
            self._alarm = asyncio.get_running_loop().call_later(seconds, self._wake)

    def close(self) -> None:
        """Nothing more is to be done."""
        if self._alarm:
            self._alarm.cancel()

    async def _read(self) -> None:
        found: dict[str, Pool] = {}
        try:
            projects = await self._ground.site.store.projects()
        except Unavailable:
            self._stale = True
            raise
        for project in projects:
            if project.warm_workers:
                of = made_of(project, self._ground.settings, self._ground.authority)
                pool = found[project.name] = self._pools.get(project.name) or Pool(project, of)
                if pool.made_of != of:
                    pool.failures = pool.pause = 0  # it may be made right now
                pool.project, pool.made_of = project, of
        self._pools = found

    async def _tend(self, pool: Pool) -> int | None:
        """When to look again."""
        idle_ms = int(self._ground.settings.warm_idle * 1000)
        now = self._ground.site.now_ms()
        if pool.rests(now, idle_ms) and not pool.asleep:
            newest = await self._ground.site.store.builds(project=pool.project.name, limit=1)
            pool.stir(newest.items[0].created_at if newest.items else 0)
            pool.asleep = pool.rests(now, idle_ms)
        theirs = [pod for pod in self._sight if pod.attempt is None and pod.project_id == pool.project.id]
        plan = pool.plan([pod for pod in theirs if not pod.ended], now, idle_ms)
        for name in plan.leave:
            await forget(self._ground, name)
        try:
            for _ in range(plan.make):
                await self._make(pool)
        except BrignbError as error:
            pool.failed(self._ground.site.now_ms())
            log.error("%s: a warm worker cannot be made: %s", pool.project.name, error)  # noqa: TRY400 - for people
            return pool.pause
        return plan.again

    async def _make(self, pool: Pool) -> None:
        ground, project = self._ground, pool.project
        random = secrets.token_hex(_RANDOM)
        secret, pod = warm(
            project,
            ground.settings,
            random=random,
            token=ground.tokens.pool(project.name, warm_name(project, random)),
            authority=ground.authority,
        )
        made = await make(ground, secret, pod)
        self._sight.made(made)
        self._soon(bequeath(ground, made), f"bequeath {made['metadata']['name']}")
