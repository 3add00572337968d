"""The worker's end of the control socket.

Once it listens, a reader thread takes what the host says; everybody else only sends. A request (`first_cell`, `emit`) waits for its `ack`. When the
host is gone the worker has nobody to work for, and ends at once: what it had started must not outlive the server (contract, "What
an accepted event may become").
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, NoReturn

from brignb.errors import BrignbError, Unreachable
from brignb.model.assignment import Assignment, Server
from brignb.model.wire import Decoder, encode

_READ = 1 << 20
HOST_GONE = 125
"""Exit code of a worker whose host is gone."""


def leave() -> NoReturn:
    """End this process at once."""
    os._exit(HOST_GONE)


class Channel:
    """See the module.

    Args:
        sock: A connected stream socket; the channel owns it.
        on_cancel: Is called, on the reader thread, with the reason of a `cancel`.
        on_gone: Is called, on the reader thread, when the host is gone.
    """

    def __init__(
        self, sock: socket.socket, *, on_cancel: Callable[[str], None], on_gone: Callable[[], None] = leave
    ) -> None:
        self._sock = sock
        self._on_cancel = on_cancel
        self._on_gone = on_gone
        self._sending = threading.Lock()
        self._asked: dict[int, Future[dict[str, Any]]] = {}
        self._ids = itertools.count(1)
        self._decoder = Decoder()
        self._early: list[dict[str, Any]] = []
        self._owner = os.getpid()
        self.server: Server | None = None
        """Where the build's jobs are started, if not by this process."""

    def receive_assignment(self) -> tuple[Assignment, dict[str, str]]:
        """The first message, with the memfd that holds the secrets and `server`. It starts no thread: see `listen`.

        Raises:
            Unreachable: The host closed the socket before it said anything.
        """
        fds: list[int] = []
        messages: list[dict[str, Any]] = []
        while not messages:
            data, got, _flags, _address = socket.recv_fds(self._sock, _READ, 1)
            fds += got
            if not data:
                raise Unreachable("the host closed the control socket")
            messages = self._decoder.feed(data)
        given = messages[0].get("given", {})  # of a relay, whose socket nobody else has
        for fd in fds:
            with os.fdopen(fd, "rb") as memory:
                if memory.seekable():
                    memory.seek(0)
                given = json.load(memory)
        self._early = messages[1:]
        self.server = Server(**server) if (server := given.get("server")) else None
        return Assignment.from_json(messages[0]["assignment"]), given.get("secrets", {})

    def fileno(self) -> int:
        """The socket's descriptor."""
        return self._sock.fileno()

    def listen(self) -> None:
        """From here on a thread hears what the host says."""
        threading.Thread(target=self._read, args=(self._early,), name="brignb-control", daemon=True).start()

    def tell(self, message: dict[str, Any]) -> None:
        """Send, and do not wait. A forked child of user code has nothing to tell."""
        if os.getpid() != self._owner:
            return
        with self._sending:
            self._sock.sendall(encode(message))

    def ask(self, message: dict[str, Any]) -> Future[dict[str, Any]]:
        """Send; the future has the host's `ack`, or its error."""
        answer: Future[dict[str, Any]] = Future()
        number = next(self._ids)
        self._asked[number] = answer
        self.tell({**message, "id": number})
        return answer

    def _read(self, messages: list[dict[str, Any]]) -> None:
        while True:
            for message in messages:
                self._take(message)
            try:
                data = self._sock.recv(_READ)
            except OSError:
                if self._sock.fileno() < 0:
                    return None  # closed by this process itself, which is ending and has yet to say why
                data = b""
            if not data:
                return self._on_gone()
            messages = self._decoder.feed(data)

    def _take(self, message: dict[str, Any]) -> None:
        if message["op"] == "cancel":
            self._on_cancel(str(message["reason"]))
        elif message["op"] == "ack":
            answer = self._asked.pop(message["id"])
            if error := message.get("error"):
                answer.set_exception(BrignbError(str(error)))
            else:
                answer.set_result(message)


class Interrupter:
    """Turns a `cancel` into KeyboardInterrupt on the main thread, where user code runs; remembers why.

    A second one while the first is still on its way changes nothing: a handler's own `finally` blocks run undisturbed until the
    host's patience ends.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def __call__(self, reason: str) -> None:
        """Interrupt, once."""
        if self.reason is None:
            self.reason = reason
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
