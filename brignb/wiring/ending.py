"""How a server's process comes to its end: a signal, or something that it cannot do without.

    signal ──▶ asked: not ready ──(linger)──▶ hang up: nothing new is taken, what is in flight is answered ──▶ served
    an error ──▶ hang up at once ──▶ raised

What must never happen: a server that takes events and builds none, or that goes on when another one has replaced it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Iterable, Sequence

from brignb.wiring.sockets import Listener

log = logging.getLogger("brignb")


class Ending:
    """See the module.

    Args:
        linger: Seconds for which requests are still taken once somebody has asked for the end: until all who send them know.
    """

    def __init__(self, *, linger: float) -> None:
        self._linger = linger
        self._listeners: Sequence[Listener] = ()
        self._error: BaseException | None = None
        self._asked = False

    def asked(self) -> bool:
        """Whether somebody has asked for the end."""
        return self._asked

    def on_signals(self) -> None:
        """From now on SIGTERM and SIGINT ask for it; a second one is the end."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signal, number)

    def _signal(self, number: int) -> None:
        if self._asked:
            os._exit(128 + number)
        log.info("%s: this server ends", signal.Signals(number).name)
        self._asked = True
        asyncio.get_running_loop().call_later(self._linger, self._hang_up)

    def without(self, tasks: Iterable[asyncio.Task[None]]) -> None:
        """When one of these fails that is the end; a restart recovers."""
        for task in tasks:
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            self._error = self._error or error
            self._hang_up()

    def _hang_up(self) -> None:
        self._asked = True
        for listener in self._listeners:
            listener.should_exit = True

    async def served(self, listeners: Sequence[Listener], sockets: Sequence[socket.socket]) -> None:
        """Serve, until the end.

        Args:
            listeners: Each on the socket in its place.
            sockets: Bound.

        Raises:
            BaseException: What a task has failed with.
        """
        self._listeners = listeners
        if self._error is None:
            pairs = zip(listeners, sockets, strict=True)
            await asyncio.gather(*(listener.serve(sockets=[sock]) for listener, sock in pairs))
        if self._error is not None:
            raise self._error
