"""What a container tells on its descriptor: `{"child-pid": N}`, then `{"exit-code": N}`, a line each (bubblewrap's format)."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from contextlib import suppress


class News(asyncio.Protocol):
    """See the module.

    Attributes:
        leader: The first process of the job's tree, and its session's leader; None before it is there.
        exit_code: Of the job's main process; None before it ended, and when the container could not tell.
        ended: Done when there will be no more news.
    """

    def __init__(self) -> None:
        self.leader: int | None = None
        self.exit_code: int | None = None
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._rest = b""
        self._pidfd: int | None = None

    def data_received(self, data: bytes) -> None:
        """Asyncio's: some news."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            news = json.loads(line)
            self.exit_code = news.get("exit-code", self.exit_code)
            if "child-pid" in news:
                self.leader = news["child-pid"]
                self._pidfd = _pidfd(self.leader)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Asyncio's: the last of it."""
        if not self.ended.done():
            self.ended.set_result(None)

    def kill(self) -> None:
        """Kill the first process of the tree, and so the tree."""
        if self._pidfd is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    async def leader_gone(self) -> None:
        """Wait for the kernel: bubblewrap ends a moment before the tree that it takes with it."""
        if self._pidfd is None:
            return
        loop, gone = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._pidfd, gone.set)
        try:
            await gone.wait()
        finally:
            loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None


def _pidfd(pid: int) -> int | None:
    """A descriptor that becomes readable when the process ends; None when it has, and where there are no such descriptors."""
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None
