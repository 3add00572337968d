"""A worker as a process of its own: a fresh interpreter, in bubblewrap where that is possible.

It is tied to this process twice: it ends when its control socket does, and the kernel ends it when the thread that spawned it does
(PDEATHSIG; so it is spawned on the event loop's thread, which is the server's main one).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from brignb.executors.sandbox import Bind, wrap

_LAST_WORDS: Final = 4096
_HELD_OPEN: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """What a worker may see and write.

    Args:
        binds: Folders besides the read-only machine.
        hidden: Folders that are not there for it.
    """

    binds: Sequence[Bind] = ()
    hidden: Sequence[Path] = ()


class Spawned:
    """Implements `brignb.controller.hosting.Process`; made by `spawn`."""

    out_of_memory = False

    def __init__(self, process: asyncio.subprocess.Process, control: socket.socket) -> None:
        self.control = control
        self.pid = process.pid
        self._process = process
        self._over = False
        self._kept = b""
        self._reading = asyncio.create_task(self._read())

    def begun(self) -> None:
        """Nothing was put off until then."""

    def kill(self) -> None:
        """Its process group; in a sandbox all of it ends with its first process."""
        if self._over:  # its number may be somebody else's by now
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    async def ended(self) -> int:
        """Its exit code as a shell gives it; what is left of its group is killed."""
        code = await self._process.wait()
        self.kill()
        self._over = True
        return code if code >= 0 else 128 - code

    async def words(self) -> str:
        """The end of what it wrote outside of the notebook; somebody who left its group may hold the pipe open, and is not waited for long."""
        await asyncio.wait({self._reading}, timeout=_HELD_OPEN)
        self._reading.cancel()
        return self._kept.decode("utf-8", "replace").strip()

    def close(self) -> None:
        """Let go of it."""
        self.control.close()

    async def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - asked for by `spawn`
        while chunk := await self._process.stdout.read(_LAST_WORDS):
            self._kept = (self._kept + chunk)[-_LAST_WORDS:]


async def spawn(sandbox: Sandbox | None, cwd: Path, *, more: Mapping[str, str] = MappingProxyType({})) -> Spawned:
    """Start one; it waits for its assignment.

    Args:
        sandbox: None: it runs without one.
        cwd: Its working directory, as it sees it.
        more: Variables of its environment.
    """
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with theirs:
        fd = theirs.fileno()
        argv = [sys.executable, "-P", "-m", "brignb.wiring.work", str(fd)]
        if sandbox is not None:
            argv = wrap(argv, binds=sandbox.binds, hidden=sandbox.hidden, cwd=cwd)
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            pass_fds=(fd,),
            start_new_session=True,
            cwd=None if sandbox is not None else cwd,
            env={**environment(), **more},
        )
    return Spawned(process, ours)


_KERNELS: Final = ("JUPYTER_PATH",)
"""Where the operator keeps kernelspecs, besides the environment's and the system's places."""


def environment() -> dict[str, str]:
    """A worker's, from scratch: nothing of the server's leaks into it."""
    here = str(Path(sys.executable).parent)
    path = os.environ.get("PATH", os.defpath)
    kernels = {name: os.environ[name] for name in _KERNELS if name in os.environ}
    own = {"PATH": f"{here}:{path}", "HOME": "/tmp", "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}  # noqa: S108 - private there
    return own | kernels
