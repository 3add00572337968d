"""`brignb worker`: builds of a server that is elsewhere, run here; what a worker pod runs.

    folders, zygote (it gets ready meanwhile) ──▶ rounds ──▶ the end

It has no account, no database and no port. SIGTERM: it takes no more builds (`rounds` says what becomes of the one in its hands). A second
signal ends it at once; its lease then runs out. What costs time to be imported is so while the zygote starts: of a cold pod that is
a third of the way to the first line.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from functools import partial
from pathlib import Path

from brignb.errors import BadInput, Unavailable
from brignb.executors import sandbox
from brignb.model.options import WorkerOptions
from brignb.model.tokens import Tokens
from brignb.wiring.workfolders import WorkFolders
from brignb.wiring.zygotes import SERVERS_JOBS, possible, zygotes
from brignb.zygote.zygotes import Zygotes

log = logging.getLogger("brignb.worker")


def work_away(options: WorkerOptions) -> int:
    """Run builds until there are none to run; 0, unless it could not do its duty.

    Raises:
        BadInput: A file cannot be read, a folder cannot be written to.
        Refused: The server does not take the token.
        Unreachable: The server does not answer, and there is only one build to run.
    """
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    token = _read(options.token_file, "--token-file").strip()
    return asyncio.run(_work(options, token, _secrets(options.secrets_file)))


async def _work(options: WorkerOptions, token: str, secrets: dict[str, str]) -> int:
    folders = WorkFolders(options.work.absolute())
    hidden = _walls(folders)
    warm = Tokens.is_pools(token)
    forking = None
    if possible():
        forking = zygotes(folders, walled=hidden is not None, rehearsed=warm, also=SERVERS_JOBS if warm else ())
    warming = asyncio.create_task(_warm(forking, options.preload))
    stopping = asyncio.Event()
    _on_signals(stopping)
    await asyncio.sleep(0)  # the zygote's process starts
    from brignb.wiring.rounds import Rounds  # noqa: PLC0415 - meanwhile

    try:
        with Rounds(
            options, token, folders, stopping=stopping, hidden=hidden, zygotes=forking, secrets=secrets
        ) as rounds:
            return await (rounds.many() if warm else rounds.one())
    finally:
        warming.cancel()
        if forking is not None:
            await forking.close()


async def _warm(forking: Zygotes | None, preload: tuple[str, ...]) -> None:
    if forking is not None:
        with contextlib.suppress(Unavailable):  # who wants a worker hears it again
            await forking.ready(preload)


def _on_signals(stopping: asyncio.Event) -> None:
    def stop(number: int) -> None:
        if stopping.is_set():
            os._exit(128 + number)
        log.info("%s: no more builds are taken", signal.Signals(number).name)
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, partial(stop, number))


def _walls(folders: WorkFolders) -> tuple[Path, ...] | None:
    """What builds do not see; None, and a word about it, where there can be no sandbox."""
    if (why := sandbox.why_not()) is None:
        if caveat := sandbox.caveat():
            log.warning("%s", caveat)
        return (folders.root,)
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
