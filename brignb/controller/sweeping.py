"""What is left in the cluster of builds that are over: lost ones, queued again, forgotten. The leader takes it away.

    (a build has ended, or `EVERY`) ──▶ what is there ──▶ which attempts run? ──▶ what belongs to none is deleted

Whoever ends a build takes its pods away at once; this is for those who were killed before they could. An attempt that is over never runs
again, so what is seen first and then found to be over can be taken safely. What must never happen: a running job that is swept.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable
from typing import Final, Protocol

from brignb.errors import BrignbError
from brignb.executors.kubernetes.leftovers import Found
from brignb.model.builds import State
from brignb.store.seam import Store

log = logging.getLogger(__name__)

EVERY: Final = 15.0
"""Seconds between two looks when nothing ends: what a killed server has left is gone well within 35."""
_PAUSE: Final = 2.0
"""Seconds between two looks when builds end all the time."""


class Leftovers(Protocol):
    """The cluster's half; `brignb.wiring.clusterjobs` has it."""

    async def found(self, namespaces: Iterable[str]) -> list[Found]:
        """What is there of this server's jobs, in projects' namespaces, and in the default one."""

    async def take_away(self, objects: Iterable[Found]) -> None:
        """Delete it."""


class Sweeping:
    """See the module.

    Args:
        store: Knows which attempts run.
        leftovers: The cluster's.
    """

    def __init__(self, store: Store, leftovers: Leftovers) -> None:
        self._store = store
        self._leftovers = leftovers
        self._woken = asyncio.Event()
        self._namespaces: set[str] = set()  # those of deleted projects stay: something may be left there

    def wake(self) -> None:
        """A build has ended."""
        self._woken.set()

    async def run(self) -> None:
        """Until it is canceled."""
        while True:
            self._woken.clear()
            try:
                await self.sweep()
            except BrignbError as error:
                log.warning("sweeping: %s; it is tried again", error)
            await asyncio.sleep(_PAUSE)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await self._woken.wait()

    async def sweep(self) -> int:
        """Take away what belongs to no attempt that runs; answers how much."""
        self._namespaces |= {project.namespace for project in await self._store.projects()}
        there = await self._leftovers.found(sorted(self._namespaces))
        attempts = {build_id: await self._attempt(build_id) for build_id in {each.build_id for each in there}}
        left = [each for each in there if attempts[each.build_id] != each.attempt]
        if left:
            await self._leftovers.take_away(left)
            log.info("sweeping: %d pods, Secrets and claims of builds that are over went", len(left))
        return len(left)

    async def _attempt(self, build_id: str) -> int | None:
        """The attempt of it that runs."""
        build = await self._store.build(build_id)
        return build.attempt if build is not None and build.state is State.RUNNING else None
