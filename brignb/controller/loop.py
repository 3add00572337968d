"""The controller: pending builds, in order, into free slots.

    recover ──▶ (woken by an accept or a freed slot) ──▶ claim ──▶ Attempt … ──▶ drain

It is woken, never polls. At its start it finds the builds that a dead server left `running`; their workers died with that server, so
each is queued again or `lost`. What must never happen: two controllers on one store (the home's lock sees to it), or a build that is
`running` and that nobody runs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from brignb.controller.building import Attempt
from brignb.controller.hosting import Order
from brignb.controller.losing import lose
from brignb.controller.notebooks import Notebooks
from brignb.controller.site import Site
from brignb.errors import Unavailable
from brignb.executors.folders import remove
from brignb.model.builds import Build, State

log = logging.getLogger(__name__)


def _empty(folder: Path) -> None:
    for left in folder.iterdir():
        try:
            remove(left)
        except OSError as error:
            log.warning("%s cannot be deleted: %s", left, error)


_PAGE: Final = 200
_AGAIN: Final = 1.0
"""Seconds until a store that could not be written to is asked again."""


class Controller:
    """See the module.

    Args:
        site: What builds are made with.
        workers: How many builds run at once; 0: they run elsewhere.
        notebooks: What they take is not for workers.
        ended: Is called after each attempt.
    """

    def __init__(
        self, site: Site, *, workers: int, notebooks: Notebooks, ended: Callable[[], None] = lambda: None
    ) -> None:
        self._site = site
        self._notebooks = notebooks
        self._tell_ended = ended
        self._workers = workers
        self._woken = asyncio.Event()
        self._running: dict[str, tuple[Order, asyncio.Task[None]]] = {}
        self._stopped = False
        self._doubted: int | None = None
        self._claiming = False
        self._canceled_unseen: set[str] = set()
        self._overheard: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """A build waits."""
        self._woken.set()

    async def recover(self) -> None:
        """What a dead server left running is queued again or lost; what it left lying about goes."""
        await asyncio.to_thread(_empty, self._site.work)
        if found := await self._lose_adrift("its server ended while it ran", until=None):
            log.warning("%d builds were running when the server died; they were queued again or lost", found)
        self.wake()

    def doubt(self) -> None:
        """The database went away while a claim was on its way, this one's or a notebook's: it may have been done all the same."""
        self._doubted = self._site.now_ms()
        asyncio.get_running_loop().call_later(_AGAIN, self.wake)

    async def _settle_doubt(self) -> None:
        """Claims that were never answered are undone. Those that were have a runner by now."""
        if (doubted := self._doubted) is not None:
            await self._lose_adrift("its claim was not answered", until=doubted)
            if self._doubted == doubted:
                self._doubted = None

    async def _lose_adrift(self, why: str, *, until: int | None) -> int:
        """Builds that are `running` and that nobody runs are queued again or lost; answers how many.

        Args:
            why: For people.
            until: Of those that were claimed until then; None: of all.
        """
        cursor = None
        found: list[Build] = []
        while True:
            page = await self._site.store.builds(state=State.RUNNING, limit=_PAGE, cursor=cursor)
            found += [build for build in page.items if self._adrift(build, until)]
            if (cursor := page.next) is None:
                break
        for build in found:
            await lose(self._site, build.id, why=why)
        return len(found)

    def _adrift(self, build: Build, until: int | None) -> bool:
        if build.holder is not None:  # it outlives servers, and its lease says for how long
            return False
        ours = build.id in self._running or self._notebooks.holds(build.id)
        return not ours and (until is None or (build.started_at or 0) <= until)

    async def run(self) -> None:
        """Until it is canceled or stopped."""
        while not self._stopped:
            await self._woken.wait()
            self._woken.clear()
            free = self._workers - len(self._running)
            if free <= 0 or self._stopped:
                continue
            try:
                await self._settle_doubt()
                self._claiming = True
                for build in await self._claimed(free):
                    self._start(build)
            except Unavailable as error:
                log.error("cannot claim builds: %s", error)  # noqa: TRY400 - an error for people, not a traceback
                asyncio.get_running_loop().call_later(_AGAIN, self.wake)
            finally:
                self._claiming = False
                self._canceled_unseen.clear()

    async def _claimed(self, limit: int) -> tuple[Build, ...]:
        but = self._notebooks.wanted()
        return await self._site.store.claim(at=self._site.now_ms(), limit=limit, but=but)

    def _start(self, build: Build) -> None:
        order = Order()
        if build.id in self._canceled_unseen:
            self._canceled_unseen.remove(build.id)
            order.cancel("canceled")
        task = asyncio.create_task(Attempt(self._site, build, order).run(), name=f"build {build.id}")
        self._running[build.id] = (order, task)
        self._site.news.ring(build.id)
        task.add_done_callback(lambda done: self._ended(build.id, done))

    def _ended(self, build_id: str, task: asyncio.Task[None]) -> None:
        self._running.pop(build_id, None)
        self._tell_ended()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("build %s: %r; it is recovered at the next start", build_id, error, exc_info=error)
        self.wake()

    def canceled(self, build_id: str) -> None:
        """Somebody has asked for a running build's end (`canceling`); if a worker of ours runs it, it is told.

        Args:
            build_id: Empty: of some build; nobody heard of which.
        """
        if not build_id:
            self._overheard.add(overheard := asyncio.create_task(self._look_for_canceled()))
            overheard.add_done_callback(self._overheard.discard)
        elif build_id in self._running:
            self._running[build_id][0].cancel("canceled")
        elif self._claiming:  # claimed in the store, and on its way to `_start`, or not ours
            self._canceled_unseen.add(build_id)

    async def _look_for_canceled(self) -> None:
        for build_id, (order, _task) in list(self._running.items()):
            build = await self._site.store.build(build_id)
            if build is not None and build.cancel_requested:
                order.cancel("canceled")

    def stop(self) -> None:
        """Claim nothing more: `run` ends, once it has started what it was claiming."""
        self._stopped = True
        self.wake()

    async def drain(self, seconds: float) -> None:
        """After `run` has ended: wait for what runs, then end it as a dead server would."""
        tasks = {task for _order, task in self._running.values()}
        if not tasks:
            return
        log.info("waiting up to %g s for %d running builds", seconds, len(tasks))
        _done, left = await asyncio.wait(tasks, timeout=seconds)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)
