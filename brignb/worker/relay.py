"""The relay: the kernel's side of a build speaks to this process as if it were its host.

    kernel ◀── assign ── relay                     the assignment, with the secrets, over a socket pair that is nobody else's
    kernel ── job, news, emit ──▶ relay ──▶ host   and the host's answers the other way

What must never happen: a word of the kernel's that comes after the worker's own last one.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import asdict
from typing import Any, Final

from brignb.errors import BrignbError
from brignb.model.assignment import Assignment
from brignb.model.wire import Decoder, encode
from brignb.worker.channel import Channel

_READ: Final = 1 << 20


class Relay:
    """See the module. Made before there is a thread; `begin` starts its own.

    Args:
        channel: To the host.
        assignment: For the kernel's side.
        secrets: For the kernel's side.
    """

    def __init__(self, channel: Channel, assignment: Assignment, secrets: Mapping[str, str]) -> None:
        self._channel = channel
        given = {"secrets": dict(secrets), "server": asdict(channel.server) if channel.server else None}
        self._first = encode({"op": "assign", "assignment": assignment.to_json(), "given": given})
        self._ours, self._theirs = socket.socketpair()
        self._sending = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="brignb-relay", daemon=True)

    @property
    def theirs(self) -> int:
        """The kernel's end."""
        return self._theirs.fileno()

    @property
    def ours(self) -> int:
        """Our end, which the kernel must not have."""
        return self._ours.fileno()

    def begin(self) -> None:
        """Pass on, from here on."""
        self._thread.start()

    def end(self) -> None:
        """The kernel is gone: what it said is passed on to its end."""
        self._theirs.close()
        self._ours.shutdown(socket.SHUT_RDWR)  # what is queued can be read, then the end
        self._thread.join()
        self._ours.close()

    def _run(self) -> None:
        decoder = Decoder()
        try:
            self._ours.sendall(self._first)
        except OSError:  # it knows no brignb, and ended without asking for anything
            return
        while data := self._ours.recv(_READ):
            for message in decoder.feed(data):
                self._pass_on(message)

    def _pass_on(self, message: dict[str, Any]) -> None:
        if "id" not in message:
            self._channel.tell(message)
            return
        number = message.pop("id")
        self._channel.ask(message).add_done_callback(lambda answer: self._answer(number, answer))

    def _answer(self, number: int, answer: Future[dict[str, Any]]) -> None:
        error = answer.exception()
        word: dict[str, Any] = {} if error else answer.result()
        if error is not None:
            word = {"error": error.message if isinstance(error, BrignbError) else str(error)}
        with self._sending, contextlib.suppress(OSError):  # who asked is gone
            self._ours.sendall(encode({**word, "op": "ack", "id": number}))
