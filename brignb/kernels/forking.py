"""Forking a kernel, for a build: from a process that has no threads, to the five sockets that it listens on.

Forked() ──▶ fork ──▶ child: BuildApp, never returns
    │
    └──▶ engine: start (client), gone (by pidfd), interrupt, kill, close

The child has its parent's memory and nothing else of it: no signal handler, no logger, no descriptor that is named in `shut`.
"""

from __future__ import annotations

import asyncio
import ctypes
import functools
import gc
import json
import logging
import os
import secrets
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NoReturn

from brignb.engine.language import PYTHON
from brignb.engine.protocol.seam import KernelGone

_PR_SET_PDEATHSIG: Final = 1
_QUEUE: Final = 64
"""Messages that wait for us before the kernel waits."""


class Forked:
    """A kernel that is forked from this process, when this is made. Implements `brignb.engine.protocol.seam.Kernel`.

    Args:
        shut: Descriptors that the child closes first: this process's own ties to others.
        entering: See the seam.
    """

    plain: Mapping[str, Any] = MappingProxyType({})
    language = PYTHON
    name = "python3"

    def __init__(self, *, shut: Sequence[int] = (), entering: str | None = None) -> None:
        self.entering = entering
        self._folder = Path(tempfile.mkdtemp(prefix="brignb-k-"))
        self.connection_file = _write_connection(self._folder)
        self._bound, bound = os.pipe()
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        own = os.getpid()
        self.pid = os.fork()
        if not self.pid:
            _child(own, self._folder, self.connection_file, bound, [*shut, self._bound])
        os.close(bound)
        self._pidfd = os.pidfd_open(self.pid)
        self._reaped = False
        self._gone: asyncio.Future[int] | None = None
        self._client: Any = None

    @property
    def gone(self) -> asyncio.Future[int]:
        """See the seam."""
        assert self._gone is not None  # noqa: S101 - made by `start`
        return self._gone

    async def start(self) -> Any:
        """See the seam.

        Raises:
            KernelGone: It ended before it could be reached.
        """
        import zmq  # noqa: PLC0415 - 0.1 s, while the child starts
        from jupyter_client.asynchronous.client import AsyncKernelClient  # noqa: PLC0415 - the same

        loop = asyncio.get_running_loop()
        self._gone = loop.create_future()
        loop.add_reader(self._pidfd, self._reap)
        bound = loop.create_future()
        loop.add_reader(self._bound, bound.set_result, None)
        await bound  # or its end, when the child ends first
        loop.remove_reader(self._bound)
        if not os.read(self._bound, 1):
            raise KernelGone(await self._gone)
        self._client = AsyncKernelClient()
        self._client.load_connection_file(self.connection_file)
        self._client.context.setsockopt(zmq.RCVHWM, _QUEUE)
        self._client.start_channels(shell=True, iopub=True, stdin=False, hb=False, control=False)  # noqa: S604 - a channel
        return self._client

    def _reap(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        _, status = os.waitpid(self.pid, 0)
        os.close(self._pidfd)
        self._reaped = True
        self.gone.set_result(os.waitstatus_to_exitcode(status))

    async def interrupt(self) -> None:
        """See the seam; it is the kernel's main thread that gets it."""
        self._signal(signal.SIGINT)

    def kill(self) -> None:
        """See the seam."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if not self._reaped:
            signal.pidfd_send_signal(self._pidfd, number)

    async def close(self) -> None:
        """See the seam."""
        self.kill()
        if self._gone is not None:
            await self._gone
        if self._client is not None:
            self._client.stop_channels()
            self._client.context.destroy(linger=0)
        os.close(self._bound)
        shutil.rmtree(self._folder, ignore_errors=True)


def _write_connection(folder: Path) -> str:
    """A connection file with five paths that are nobody else's."""
    channels = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")
    connection = {
        **{channel: number for number, channel in enumerate(channels, 1)},
        "ip": str(folder / "s"),
        "transport": "ipc",
        "key": secrets.token_hex(32),
        "signature_scheme": "hmac-sha256",
        "kernel_name": "python3",
    }
    path = folder / "kernel.json"
    path.write_text(json.dumps(connection))
    return str(path)


def _child(parent: int, folder: Path, connection_file: str, bound: int, shut: Sequence[int]) -> NoReturn:
    """The forked process: a kernel, to its end."""
    code = 1
    try:
        gc.freeze()  # what the parent left is never collected here: it may close what the parent still uses
        die_with(parent)
        for fd in shut:
            os.close(fd)
        as_fresh()
        from brignb.kernels.app import BuildApp, for_a_build, serve  # noqa: PLC0415 - unless the parent has imported it

        serve(BuildApp, for_a_build(connection_file, str(folder)), functools.partial(_tell, bound))
        code = 0
    except BaseException:  # noqa: BLE001 - nothing of this process's is the parent's business
        traceback.print_exc(file=sys.__stderr__)
    finally:
        os._exit(code)


def _tell(pipe: int) -> None:
    os.write(pipe, b"x")
    os.close(pipe)


def die_with(parent: int) -> None:
    """Have the system kill this process when the thread that forked it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def as_fresh() -> None:
    """Have signals, standard input and loggers as in a fresh process."""
    _clean_signals()
    _no_stdin()
    _no_loggers()


def _clean_signals() -> None:
    """As in a fresh process: a handler of the parent's would act on the parent's objects."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _no_stdin() -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - the process's own


def _no_loggers() -> None:
    """Handlers of the parent's write where the parent wants it."""
    root = logging.getLogger()
    root.handlers[:] = []
    root.setLevel(logging.WARNING)
