"""`brignb worker`: builds of a server that is elsewhere, run here; what a worker pod runs.

    token of a pool:  zygote ready ──▶ next ──▶ Stint ──▶ next …        (warm: one build after another, each in a process of its own)
    token of a build: take ──▶ Stint ──▶ the end                        (cold)

It has no account, no database and no port: each of its words is a call of the desk (`brignb.client.desk`). SIGTERM: no more builds are
taken; a warm worker finishes the one in its hands, a cold one gives it `DRAIN` seconds. A second signal ends it at once; its lease then
runs out. What must never happen: a build that was taken and that nobody runs.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import time
from functools import partial
from pathlib import Path
from typing import Final

from brignb.client import Desk, Offer
from brignb.errors import BadInput, Conflict, Unavailable, Unreachable
from brignb.executors import sandbox
from brignb.model.options import WorkerOptions
from brignb.model.tokens import Tokens
from brignb.wiring.orphans import end_orphans
from brignb.wiring.stint import Stint
from brignb.wiring.workfolders import WorkFolders
from brignb.wiring.zygotes import possible, zygotes
from brignb.zygote.zygotes import Zygotes

log = logging.getLogger("brignb.worker")

DRAIN: Final = 12.0
"""Seconds that a cold worker's build gets when the worker is asked to end: less than a pod's 30 with all that comes after."""
POLL: Final = 4.0
"""Seconds for which the desk waits for a build when it is asked for one."""
_PAUSE: Final = 0.5
"""Seconds until a server that did not answer is asked again."""
PATIENCE: Final = 60.0
"""Seconds for which a cold worker waits for a server that does not answer."""


def work_away(options: WorkerOptions) -> int:
    """Run builds until there are none to run; 0, unless it could not do its duty.

    Raises:
        BadInput: A file cannot be read, a folder cannot be written to.
        Refused: The server does not take the token.
        Unreachable: The server does not answer, and there is only one build to run.
    """
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    return asyncio.run(_Worker(options).run())


class _Worker:
    """See the module."""

    def __init__(self, options: WorkerOptions) -> None:
        self._options = options
        self._token = _read(options.token_file, "--token-file").strip()
        self._warm = Tokens.is_pools(self._token)
        self._secrets = _secrets(options.secrets_file)
        self._folders = WorkFolders(options.work.absolute())
        self._hidden = self._walls()
        self._stopping = asyncio.Event()
        self._stint: Stint | None = None
        self._zygotes: Zygotes | None = None

    async def run(self) -> int:
        """Until there is nothing to do; its exit code."""
        self._on_signals()
        if self._warm and possible():
            self._zygotes = zygotes(self._folders, walled=self._hidden is not None)
        with Desk(self._options.server, self._token, ca=self._options.ca) as desk:
            try:
                return await (self._many(desk) if self._warm else self._one(desk))
            finally:
                if self._zygotes is not None:
                    await self._zygotes.close()

    # warm

    async def _many(self, desk: Desk) -> int:
        if self._zygotes is not None:
            await self._zygotes.ready(self._options.preload)
        log.info("waiting for builds of %s", self._options.server)
        left = self._options.builds
        while not self._stopping.is_set() and left != 0:
            offer = await self._next(desk)
            if offer is not None:
                await self._work(desk, offer)
                left = left - 1 if left is not None else None
        return 0

    async def _next(self, desk: Desk) -> Offer | None:
        """The next build, if one comes in time. A call that is on its way is heard to its end: it may have claimed one."""
        try:
            return await asyncio.to_thread(desk.next, self._options.name, POLL)
        except (Unreachable, Unavailable) as error:
            log.warning("no build can be asked for: %s", error.message)
            await self._pause()
            return None

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), _PAUSE)
        except TimeoutError:
            return

    # cold

    async def _one(self, desk: Desk) -> int:
        try:
            offer = await self._taken(desk)
        except Conflict as error:
            log.info("there is nothing to do: %s", error.message)
            return 0
        if offer is not None:
            await self._work(desk, offer)
        return 0

    async def _taken(self, desk: Desk) -> Offer | None:
        """The token's build; None: this process is to end before it has it."""
        until = time.monotonic() + PATIENCE
        while not self._stopping.is_set():
            try:
                return await asyncio.to_thread(desk.take, self._options.name)
            except (Unreachable, Unavailable) as error:
                if time.monotonic() > until:
                    raise
                log.warning("the build cannot be taken: %s", error.message)
                await self._pause()
        return None

    # both

    async def _work(self, desk: Desk, offer: Offer) -> None:
        self._stint = Stint(
            desk.held(offer.token),
            offer,
            self._folders,
            hidden=self._hidden,
            zygotes=self._zygotes,
            secrets={**self._secrets, **offer.secrets},
        )
        if self._stopping.is_set():
            self._hurry()
        await self._stint.run()
        self._stint = None
        end_orphans(self._zygotes.processes() if self._zygotes is not None else ())

    def _hurry(self) -> None:
        """What runs is to end soon, where it does not go on to its end."""
        if self._stint is not None and not self._warm:
            why = f"its worker was told to end (SIGTERM), and it had not ended {DRAIN:g} s later"
            asyncio.get_running_loop().call_later(DRAIN, self._stint.give_up, why)

    def _on_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, partial(self._stop, number))

    def _stop(self, number: int) -> None:
        if self._stopping.is_set():
            os._exit(128 + number)
        log.info("%s: no more builds are taken", signal.Signals(number).name)
        self._stopping.set()
        self._hurry()

    def _walls(self) -> tuple[Path, ...] | None:
        """What builds do not see; None, and a word about it, where there can be no sandbox."""
        if (why := sandbox.why_not()) is None:
            if caveat := sandbox.caveat():
                log.warning("%s", caveat)
            return (self._folders.root,)
        log.warning("builds run without a sandbox (%s): what is around this process is all that shuts them in", why)
        return None


def _read(file: Path, option: str) -> str:
    try:
        return file.read_text()
    except (OSError, ValueError) as error:
        raise BadInput(f"cannot be read: {error}", where=f"{option} {file}") from error


def _secrets(file: Path | None) -> dict[str, str]:
    """The project's, of a JSON object; its words are not repeated when it is none."""
    if file is None:
        return {}
    try:
        found = json.loads(_read(file, "--secrets-file"))
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise BadInput("it is no JSON object of texts", where=f"--secrets-file {file}")
    return found
