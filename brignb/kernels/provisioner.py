"""The provisioner: jupyter_client starts kernels by it where a kernelspec names it (`kernels/brignb/kernel.json`).

Everything is jupyter_client's own way with local kernels but two things: the process is forked instead of started, and its channels
are Unix sockets in a folder of the kernel's own, so that no two kernels want the same. So a kernel is killed, interrupted and restarted
as any other.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import shutil
import signal
import tempfile
from pathlib import Path
from typing import Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from brignb.errors import Unavailable
from brignb.kernels.nursery import Nursery, nursery


class ForkedProcess:
    """What jupyter_client asks of a `subprocess.Popen`.

    Args:
        home: Forked it.
        number: Its number there.
        pidfd: Of its process.
    """

    stdin = stdout = stderr = None

    def __init__(self, home: Nursery, number: int, pidfd: int) -> None:
        self._home = home
        self._number = number
        self.pidfd = pidfd
        self.pid = _pid_of(pidfd)
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code, once it has one."""
        if self.returncode is None and select.select([self.pidfd], [], [], 0)[0]:
            self._end()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int | None:
        """Until it has ended; its exit code, None when it has not."""
        if self.returncode is None and select.select([self.pidfd], [], [], timeout)[0]:
            self._end()
        return self.returncode

    def _end(self) -> None:
        try:
            self.returncode = self._home.status(self._number)
        except Unavailable:  # what it was forked from is gone, and the system has killed it
            self.returncode = -signal.SIGKILL
        os.close(self.pidfd)

    def send_signal(self, number: int) -> None:
        """To the process."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.pidfd, number)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


class BrignbProvisioner(LocalProvisioner):
    """See the module."""

    process: Any = None
    parent: Any
    _folder: str | None = None

    async def pre_launch(self, **options: Any) -> dict[str, Any]:
        """jupyter_client's, with our own sockets."""
        if self._folder is None:
            self._folder = tempfile.mkdtemp(prefix="brignb-k-")
            manager = self.parent
            manager.cache_ports = False
            manager.transport, manager.ip = "ipc", str(Path(self._folder) / "s")
        return dict(await super().pre_launch(**options))

    async def launch_kernel(self, cmd: list[str], **options: Any) -> Any:
        """Fork it."""
        del cmd
        request = {
            "connection_file": self.parent.connection_file,
            "cwd": str(options.get("cwd") or Path.cwd()),
            "env": {**options.get("env", os.environ)},
        }
        home = nursery()
        number, pidfd = home.fork(request)
        self.process = ForkedProcess(home, number, pidfd)
        self.pid = self.pgid = self.process.pid
        return self.connection_info

    async def wait(self) -> int | None:
        """Until it has ended; at once, where jupyter_client looks ten times a second."""
        process = self.process
        if process is None:
            return 0
        if process.poll() is None:
            loop, ended = asyncio.get_running_loop(), asyncio.Event()
            loop.add_reader(process.pidfd, ended.set)
            try:
                await ended.wait()
            finally:
                loop.remove_reader(process.pidfd)
        self.process = None
        return int(process.wait())

    async def cleanup(self, restart: bool = False) -> None:  # noqa: FBT001, FBT002 - jupyter_client's signature
        """jupyter_client's, and the sockets' folder."""
        await super().cleanup(restart=restart)
        if self._folder is not None and not restart:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


def _pid_of(pidfd: int) -> int:
    """proc(5), `fdinfo`."""
    for line in Path(f"/proc/self/fdinfo/{pidfd}").read_text().splitlines():
        if line.startswith("Pid:"):
            return int(line.split()[1])
    raise Unavailable("the kernel ended before it could be seen", where="kernel")
