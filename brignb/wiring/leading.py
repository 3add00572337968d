"""What one controller does at a time: it builds, forgets what is over, and whatever else must not be done by two.

    elected ──▶ recover ──▶ claim, sweep, … for ever ──▶ drain
                  └── its election is lost: all of it ends at once

What must never happen: any of it in a process that does not lead.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import Final

from brignb.controller.loop import Controller
from brignb.controller.overdue import Overdue
from brignb.controller.pods.settings import Settings
from brignb.controller.retention import Retention
from brignb.errors import Unavailable
from brignb.model.options import ServeOptions
from brignb.wiring.electing import Election
from brignb.wiring.ground import Ground
from brignb.wiring.projectwatch import watch_projects
from brignb.wiring.together import together
from brignb.wiring.workerpods import pod_settings, tend_pods

DRAIN: Final = 10.0
"""Seconds that running builds get when the server is asked to end."""


def _workers(options: ServeOptions) -> int:
    """Builds that run here at once."""
    return (os.cpu_count() or 1) if options.workers is None else options.workers


class Leading:
    """The controller's part of a process: first it waits for its turn.

    Args:
        ground: What it stands on.

    Raises:
        BadInput: Workers are to be pods, and what these cannot do without is not set.
    """

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._here = "controller" in ground.options.parts
        self._pods = pod_settings(ground) if self._here else None
        self._leader: Leader | None = None
        self.begun = asyncio.Event()

    async def run(self) -> None:
        """Until it is stopped and has drained; canceled: all of it ends at once. Nothing, when the controller is no part of this process.

        Raises:
            Conflict: Another one leads.
            Exception: Whatever one of the leader's works has failed with.
        """
        if not self._here:
            return
        election = Election(self._ground.options, self._ground.stored.leadership)
        try:
            await election.won()
            leader = Leader(self._ground, self._pods)
            await leader.recover()
            self._leader = leader
            self.begun.set()
            await together(leader.run(), election.keep())
        finally:
            await election.close()

    async def end(self, running: asyncio.Task[None]) -> None:
        """Begin nothing more; what runs gets some seconds.

        Args:
            running: The task of `run`.
        """
        if self._leader is None:
            running.cancel()
        else:
            self._leader.stop()
        await asyncio.wait({running})


class Leader:
    """See the module; made when this process leads.

    Args:
        ground: What it stands on.
        pods: Where builds run; None: here.
    """

    def __init__(self, ground: Ground, pods: Settings | None) -> None:
        options, words = ground.options, ground.words
        self._ground = ground
        self._pods = pods
        self._retention = Retention(ground.site, options.keep_ms, options.keep_builds)
        self._settling = ground.stored.settling
        self._controller = Controller(
            ground.site,
            workers=_workers(options) if self._pods is None else 0,
            notebooks=ground.notebooks,
            ended=lambda: words.here("freed"),
        )
        if (settling := self._settling) is not None:
            words.on("freed", lambda _about: settling.wake())
        words.on("ended", lambda _about: words.here("freed"))  # in another process
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
        """Until it is stopped, and what runs has had its time; canceled: nothing runs any more.

        Raises:
            Exception: What one of its works died of: without it, a leader would only seem to lead.
        """
        works = [self._build(), self._warm(), self._retention.run(), Overdue(self._ground.afar).run()]
        if self._settling is not None:
            works.append(self._settling.run())
        if self._ground.options.projects:
            works.append(watch_projects(self._ground))
        if self._ground.jobs:
            works.append(self._ground.jobs.sweeping.run())
        if self._pods:
            works.append(tend_pods(self._ground, self._pods))
        try:
            await together(*works)
        finally:
            await self._controller.drain(0)

    def stop(self) -> None:
        """Begin nothing more: `run` ends soon."""
        self._controller.stop()

    async def _build(self) -> None:
        await self._controller.run()
        await self._controller.drain(DRAIN)

    async def _warm(self) -> None:
        """Have workers ready before the first event; builds tell of what goes wrong."""
        if self._ground.site.zygotes is not None:
            with contextlib.suppress(Unavailable):
                await self._ground.site.zygotes.ready()
        await asyncio.Event().wait()
