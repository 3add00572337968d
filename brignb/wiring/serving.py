"""`brignb serve`: one process with all parts of a server, or with some of them; on embedded defaults.

    home, key, token ──▶ sockets ──▶ ground ──▶ leader, apps ──▶ listening ──▶ ending ──▶ drained

It prints `listening on http://HOST:PORT` once it can take events, and not before. SIGTERM and SIGINT end it: first it says that it is
not ready and takes what still comes for as long as it was told to linger, then what is in flight is answered, then running builds get
`DRAIN` seconds. A second signal ends it at once, which loses nothing either: what ran is recovered at the next start.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import socket
import ssl
import sys
from collections.abc import Sequence
from typing import Final

import uvloop

from brignb import __version__
from brignb.errors import BadInput
from brignb.model.options import PARTS, ServeOptions
from brignb.wiring.ending import Ending
from brignb.wiring.fronting import front
from brignb.wiring.ground import Ground, ground
from brignb.wiring.home import Home, home_path
from brignb.wiring.leading import Leading
from brignb.wiring.sockets import ANSWER, HANG_UP, Listener, bound, url_of
from brignb.wiring.together import together

log = logging.getLogger("brignb")

_TURN: Final = 0.0005
"""Seconds for which the store's threads may keep the event loop waiting while they compute (Python's own 5 ms are as much as a build's
whole way in)."""
_LOCKS: Final = {"controller": "lock", "api": "lock-api"}
"""What of a home one process has at a time, by parts."""


def serve(options: ServeOptions) -> int:
    """Serve until a signal; 0 after a clean end.

    Raises:
        BadInput: The address is taken or cannot be had, or the home is open to others.
        Conflict: Another server has the home, or has taken over.
        Unavailable: The home or the database cannot be used.
    """
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    home = Home(home_path(options.home), key=options.key_file, token=options.token_file)
    try:
        with contextlib.ExitStack() as stack:
            for part in sorted(options.parts & _LOCKS.keys()):
                home.acquire(_LOCKS[part])
            sockets = [stack.enter_context(bound(options.host, options.port))]
            if options.tls_cert is not None:
                sockets.append(stack.enter_context(bound(options.host, options.worker_port, option="--worker-port")))
            runner = stack.enter_context(asyncio.Runner(loop_factory=uvloop.new_event_loop))
            runner.run(_serve(options, home, sockets))
    finally:
        home.release()
    return 0


async def _serve(options: ServeOptions, home: Home, sockets: Sequence[socket.socket]) -> None:
    async with ground(options, home, sockets[0].getsockname()) as floor:
        ending = Ending(linger=options.linger)
        leading = Leading(floor)
        building = asyncio.create_task(leading.run())
        ending.without([building, *floor.stored.tasks])
        if options.parts == frozenset(PARTS):
            await together(leading.begun.wait(), asyncio.wait({building}))  # a whole server builds, or does not begin
        listeners = await _listeners(floor, sockets, leading, ending)
        ending.on_signals()
        if floor.desk is not None:
            ending.without([asyncio.create_task(floor.desk.run())])
        sys.setswitchinterval(_TURN)
        gc.freeze()  # what stands now stays: the collector need not look at it for every thousand requests
        try:
            await ending.served(listeners, sockets)
        finally:
            await leading.end(building)


async def _listeners(
    floor: Ground, sockets: Sequence[socket.socket], leading: Leading, ending: Ending
) -> list[Listener]:
    options, address = floor.options, sockets[0].getsockname()
    app, for_workers = await front(floor, address, leads=leading.begun.is_set, ending=ending.asked)
    listeners = [
        Listener(
            app,
            patience=HANG_UP if "api" in options.parts else ANSWER,
            started=lambda: _announce(options, floor.home, url_of(sockets[0])),
        )
    ]
    if for_workers is not None:
        listeners.append(Listener(for_workers, certificate=options.tls_cert, key=options.tls_key))
        log.info("workers are listened to at %s", url_of(sockets[1], scheme="https"))
        try:
            listeners[1].config.load()
        except (OSError, ssl.SSLError) as error:
            raise BadInput(f"they cannot be used: {error}", where=f"{options.tls_cert}, {options.tls_key}") from error
    return listeners


def _announce(options: ServeOptions, home: Home, url: str) -> None:
    if "api" in options.parts:
        home.announce({"url": url, "pid": os.getpid(), "version": __version__})
    print(f"listening on {url}", flush=True)  # noqa: T201 - the contract's line
