"""The nursery: a process of a Jupyter front end's, from which its kernels are forked.

    front end ── Nursery.fork ──▶ `python -m brignb.kernels.nursery FD` ── fork ──▶ a kernel
                              ◀── its pidfd, later its status ──

It has imported what kernels need, and has no thread. It ends when its socket does, so with its front end, and the system ends its
kernels with it. One that died is replaced by the next `fork`.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from brignb.errors import Unavailable
from brignb.zygote.serving import ForkServer

_LENGTH: Final = 4
_MESSAGE_MAX: Final = 1 << 16


class Nursery:
    """See the module. Any thread may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = 0
        self._statuses: dict[int, int] = {}
        self._sock, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            argv = [sys.executable, "-P", "-Xfrozen_modules=off", "-m", __name__, str(theirs.fileno())]
            self._process = subprocess.Popen(
                argv, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True
            )

    @property
    def alive(self) -> bool:
        """Whether it can still be asked."""
        return self._process.poll() is None

    def close(self) -> None:
        """End it, and its kernels with it."""
        self._sock.close()
        self._process.wait()

    def fork(self, request: Mapping[str, Any]) -> tuple[int, int]:
        """Fork a kernel; its number here, and its pidfd.

        Args:
            request: `connection_file`, `cwd`, `env`.

        Raises:
            Unavailable: It cannot.
        """
        ours, theirs = socket.socketpair()
        with self._lock, ours, theirs:
            self._numbers += 1
            body = json.dumps(dict(request)).encode()
            try:
                socket.send_fds(self._sock, [json.dumps({"fork": self._numbers}).encode()], [theirs.fileno(), 2])
                ours.sendall(len(body).to_bytes(_LENGTH) + body)
            except OSError as error:
                raise Unavailable("the process that kernels are forked from is gone", where="kernel") from error
            while True:
                message, fds = self._receive()
                if fds:
                    return self._numbers, fds[0]
                if message.get("refused") == self._numbers:
                    raise Unavailable(f"no kernel can be forked: {message['error']}", where="kernel")

    def status(self, number: int) -> int:
        """The exit code of a kernel that has ended, negative for a signal.

        Raises:
            Unavailable: The nursery died, and so did the kernel.
        """
        with self._lock:
            while number not in self._statuses:
                self._receive()
            return self._statuses.pop(number)

    def _receive(self) -> tuple[dict[str, Any], list[int]]:
        data, fds, _flags, _address = socket.recv_fds(self._sock, _MESSAGE_MAX, 1)
        if not data:
            raise Unavailable("the process that kernels are forked from is gone", where="kernel")
        message = json.loads(data)
        if "exited" in message:
            self._statuses[message["exited"]] = os.waitstatus_to_exitcode(message["status"])
        return message, fds


_current: Nursery | None = None
_making = threading.Lock()
_kept: list[Nursery | None] = []
"""A parent's, so that nothing closes what it still uses."""


def nursery() -> Nursery:
    """This process's, made on first use, and again when it died."""
    global _current  # noqa: PLW0603 - one per process is the point
    with _making:
        if _current is not None and not _current.alive:
            end()
        if _current is None:
            _current = Nursery()
            atexit.register(end)
        return _current


def end() -> None:
    """End this process's, if there is one."""
    global _current  # noqa: PLW0603 - the same
    if _current is not None:
        atexit.unregister(end)
        _current.close()
        _current = None


def _forget() -> None:
    global _current, _making
    if _current is not None:
        atexit.unregister(end)
    _kept.append(_current)
    _current, _making = None, threading.Lock()


os.register_at_fork(after_in_child=_forget)  # a forked child has no nursery: its parent's answers the parent


def _kernel(control: socket.socket) -> NoReturn:
    """In the child: what to be, then that."""
    with control:
        size = int.from_bytes(control.recv(_LENGTH, socket.MSG_WAITALL))
        request = json.loads(control.recv(size, socket.MSG_WAITALL))
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"] or ".")
    from brignb.kernels.app import KernelApp, configured, serve  # noqa: PLC0415 - imported by `main`, in the parent
    from brignb.kernels.forking import as_fresh  # noqa: PLC0415 - the same

    as_fresh()
    serve(KernelApp, configured(request["connection_file"]), lambda: None)
    os._exit(0)


def main() -> None:
    """Import, then fork until the front end is gone."""
    for name in ("brignb.kernels.app", "brignb.kernels.forking", "ipykernel.debugger", "IPython.core.magics"):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=int(sys.argv[1])) as sock:
        sock.set_inheritable(False)
        ForkServer(sock, _kernel, walled=False).serve()


if __name__ == "__main__":
    main()
