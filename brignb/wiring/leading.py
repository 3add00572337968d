"""What one controller does at a time: it builds, forgets what is over, and whatever else must not be done by two.

    recover ──▶ claim, sweep, … for ever ──▶ drain

What must never happen: any of it in a process that does not lead.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import Final

from brignb.controller.loop import Controller
from brignb.controller.overdue import Overdue
from brignb.controller.retention import Retention
from brignb.errors import Unavailable
from brignb.model.options import ServeOptions
from brignb.wiring.ground import Ground
from brignb.wiring.projectwatch import watch_projects
from brignb.wiring.workerpods import pod_settings, tend_pods

DRAIN: Final = 10.0
"""Seconds that running builds get when the server is asked to end."""


def _workers(options: ServeOptions) -> int:
    """Builds that run here at once."""
    return (os.cpu_count() or 1) if options.workers is None else options.workers


class Leader:
    """See the module.

    Args:
        ground: What it stands on.

    Raises:
        BadInput: Workers are to be pods, and what these cannot do without is not set.
    """

    def __init__(self, ground: Ground) -> None:
        options, words = ground.options, ground.words
        self._ground = ground
        self._pods = pod_settings(ground)
        self._retention = Retention(ground.site, options.keep_ms, options.keep_builds)
        self._controller = Controller(
            ground.site,
            workers=_workers(options) if self._pods is None else 0,
            notebooks=ground.notebooks,
            ended=lambda: words.here("freed"),
        )
        words.on("freed", lambda _about: self._retention.wake())
        if (jobs := ground.jobs) is not None:
            words.on("freed", lambda _about: jobs.sweeping.wake())
        words.on("pending", lambda _about: self._controller.wake())
        words.on("cancel", self._controller.canceled)
        words.on("doubt", lambda _about: self._controller.doubt())

    async def recover(self) -> None:
        """What a dead one has left is seen to."""
        await self._controller.recover()

    async def run(self) -> None:
        """Until it is canceled, or stopped.

        Raises:
            Exception: What one of its tasks died of: without it, a leader would only seem to lead.
        """
        work = [self._controller.run(), self._retention.run(), Overdue(self._ground.afar).run()]
        if self._ground.options.projects:
            work.append(watch_projects(self._ground))
        if self._ground.jobs:
            work.append(self._ground.jobs.sweeping.run())
        if self._pods:
            work.append(tend_pods(self._ground, self._pods))
        tasks = {asyncio.create_task(each) for each in work}
        warming = asyncio.create_task(self._warm())
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (ending := {warming, *tasks}):
                task.cancel()
            await asyncio.wait(ending)

    def stop(self) -> None:
        """Begin nothing more: `run` ends soon."""
        self._controller.stop()

    async def drain(self) -> None:
        """After `run` has ended: what runs gets some seconds."""
        await self._controller.drain(DRAIN)

    async def _warm(self) -> None:
        """Have workers ready before the first event; builds tell of what goes wrong."""
        if self._ground.site.zygotes is not None:
            with contextlib.suppress(Unavailable):
                await self._ground.site.zygotes.ready()
