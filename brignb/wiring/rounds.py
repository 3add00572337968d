"""The rounds of a worker away from its server: builds are taken at its desk, and run.

    token of a pool:  zygote ready ──▶ next ──▶ Stint ──▶ next …        (warm: one build after another, each in a process of its own)
    token of a build: take ──▶ Stint ──▶ the end                        (cold)

Told to stop, a warm worker finishes the build in its hands; a cold one gives it `DRAIN` seconds, and then back to the server. What must
never happen: a build that was taken and that nobody runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from brignb.client import Desk, Offer
from brignb.errors import BrignbError, Conflict, Unavailable, Unreachable
from brignb.model.assignment import Server
from brignb.model.options import WorkerOptions
from brignb.wiring.orphans import end_orphans
from brignb.wiring.stint import Stint
from brignb.wiring.workfolders import WorkFolders
from brignb.zygote.zygotes import Zygotes

log = logging.getLogger("brignb.worker")

DRAIN: Final = 12.0
"""Seconds that a cold worker's build gets when the worker is told to end: less than a pod's 30 with all that comes after."""
POLL: Final = 4.0
"""Seconds for which the desk waits for a build when it is asked for one."""
PATIENCE: Final = 60.0
"""Seconds for which a cold worker waits for a server that does not answer."""
_PAUSE: Final = 0.5
"""Seconds until it is asked again."""


class Rounds:
    """See the module. A context manager.

    Args:
        options: What it is asked to do.
        token: Of a build, or of a project's pool.
        folders: Where builds run.
        stopping: Set when it is told to stop.
        hidden: What of this machine builds do not see; None: there is no sandbox here.
        zygotes: Where workers are forked; None: they are spawned.
        secrets: The project's, in clear text, as far as they are here already.
    """

    def __init__(
        self,
        options: WorkerOptions,
        token: str,
        folders: WorkFolders,
        *,
        stopping: asyncio.Event,
        hidden: tuple[Path, ...] | None,
        zygotes: Zygotes | None,
        secrets: Mapping[str, str],
    ) -> None:
        self._options = options
        self._folders = folders
        self._stopping = stopping
        self._hidden = hidden
        self._zygotes = zygotes
        self._secrets = secrets
        self._silent = False
        self._desk = Desk(options.server, token, ca=options.ca)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the connections."""
        self._desk.close()

    async def many(self) -> int:
        """Until it is told to stop, or has run so many as it was to; its exit code.

        Raises:
            Refused: The server does not take the token.
            NotFound: The project is gone.
        """
        if self._zygotes is not None:
            with contextlib.suppress(Unavailable):  # builds tell of it
                await self._zygotes.ready(self._options.preload)
        log.info("waiting for builds of %s", self._options.server)
        left = self._options.builds
        while not self._stopping.is_set() and left != 0:
            if (offer := await self._next()) is not None:
                await self._run(offer)
                left = left - 1 if left is not None else None
        return 0

    async def one(self) -> int:
        """The token's build, unless there is nothing to do; its exit code.

        Raises:
            Refused: The server does not take the token.
            Unreachable, Unavailable: It does not answer.
        """
        try:
            offer = await self._taken()
        except Conflict as error:
            log.info("there is nothing to do: %s", error.message)
            return 0
        if offer is not None:
            hurrying = asyncio.create_task(self._hurry(stint := self._stint(offer)))
            await stint.run()
            hurrying.cancel()
        return 0

    async def _next(self) -> Offer | None:
        """The next build, if one comes in time. A call that is on its way is heard to its end: it may have claimed one."""
        try:
            offer = await asyncio.to_thread(self._desk.next, self._options.name, POLL)
        except (Unreachable, Unavailable) as error:
            await self._unanswered("no build can be asked for", error)
            return None
        self._silent = False
        return offer

    async def _taken(self) -> Offer | None:
        """The token's build; None: it is told to stop before it has it."""
        until = time.monotonic() + PATIENCE
        while not self._stopping.is_set():
            try:
                return await asyncio.to_thread(self._desk.take, self._options.name)
            except (Unreachable, Unavailable) as error:
                if time.monotonic() > until:
                    raise
                await self._unanswered("the build cannot be taken", error)
        return None

    async def _unanswered(self, what: str, error: BrignbError) -> None:
        """Say it once, and wait before the server is asked again."""
        if not self._silent:
            log.warning("%s, and is asked for again: %s", what, error.message)
        self._silent = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), _PAUSE)

    async def _run(self, offer: Offer) -> None:
        await self._stint(offer).run()
        end_orphans(self._zygotes.processes() if self._zygotes is not None else ())

    def _stint(self, offer: Offer) -> Stint:
        ca = str(self._options.ca.absolute()) if self._options.ca else None
        return Stint(
            self._desk.held(offer.token),
            offer,
            self._folders,
            hidden=self._hidden,
            zygotes=self._zygotes,
            server=Server(self._options.server, offer.token, ca),
            secrets={**self._secrets, **offer.secrets},
        )

    async def _hurry(self, stint: Stint) -> None:
        await self._stopping.wait()
        await asyncio.sleep(DRAIN)
        stint.give_up(f"its worker was told to end (SIGTERM), and it had not ended {DRAIN:g} s later")
