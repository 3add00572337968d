"""`brignb serve`: one process with all parts of a server, or with some of them; on embedded defaults.

    home, key, token ──▶ ground ──▶ leader, app ──▶ listening

It prints `listening on http://HOST:PORT` once it can take events, and not before. SIGTERM and SIGINT drain: no more events are taken,
running builds get `DRAIN` seconds. A second signal ends it at once, which loses nothing either: what ran is recovered at the next
start.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from typing import Final

import uvloop

from brignb import __version__
from brignb.errors import BrignbError
from brignb.model.options import ServeOptions
from brignb.wiring.fronting import front
from brignb.wiring.ground import ground
from brignb.wiring.home import Home, home_path
from brignb.wiring.leading import DRAIN, Leader
from brignb.wiring.sockets import Listener, bound, url_of

log = logging.getLogger("brignb")

_TURN: Final = 0.0005
"""Seconds for which the store's threads may keep the event loop waiting while they compute (Python's own 5 ms are as much as a build's
whole way in)."""


def serve(options: ServeOptions) -> int:
    """Serve until a signal; 0 after a clean end.

    Raises:
        BadInput: The address is taken or cannot be had, or the home is open to others.
        Conflict: Another server has the home.
        Unavailable: The home or the database cannot be used.
    """
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    home = Home(home_path(options.home), key=options.key_file, token=options.token_file)
    try:
        for part, lock in (("controller", "lock"), ("api", "lock-api")):
            if part in options.parts:
                home.acquire(lock)
        with (
            bound(options.host, options.port) as sock,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            runner.run(_serve(options, home, sock))
    finally:
        home.release()
    return 0


async def _serve(options: ServeOptions, home: Home, sock: socket.socket) -> None:
    async with ground(options, home, sock.getsockname()) as floor:
        leader = Leader(floor) if "controller" in options.parts else None
        if leader is not None:
            await leader.recover()
        server: Listener
        app = await front(floor, sock.getsockname(), ending=lambda: server.should_exit)
        server = Listener(app, started=lambda: _announce(options, home, url_of(sock)))
        _on_signals(server)
        tasks = [*floor.stored.tasks]
        if floor.desk is not None:
            tasks.append(asyncio.create_task(floor.desk.run()))
        if leader is not None:
            tasks.append(leading := asyncio.create_task(leader.run()))
        for task in tasks:
            task.add_done_callback(lambda done: _stop_without(server, done))
        sys.setswitchinterval(_TURN)
        gc.freeze()  # what stands now stays: the collector need not look at it for every thousand requests
        await server.serve(sockets=[sock])
        if leader is not None:
            leader.stop()
            await leading
            await leader.drain()


def _stop_without(server: Listener, done: asyncio.Task[None]) -> None:
    """A server that takes events and builds none, or that another one has replaced, would lie; a restart recovers."""
    if not done.cancelled() and (error := done.exception()):
        if isinstance(error, BrignbError):
            log.critical("%s; the server stops", error)
        else:
            log.critical("the controller died; the server stops", exc_info=error)
        server.should_exit = True


def _announce(options: ServeOptions, home: Home, url: str) -> None:
    if "api" in options.parts:
        home.announce({"url": url, "pid": os.getpid(), "version": __version__})
    print(f"listening on {url}", flush=True)  # noqa: T201 - the contract's line


def _on_signals(server: Listener) -> None:
    loop = asyncio.get_running_loop()

    def end(number: int) -> None:
        if server.should_exit:
            os._exit(128 + number)
        log.info("%s: no more events are taken; running builds get %g s", signal.Signals(number).name, DRAIN)
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end, number)
