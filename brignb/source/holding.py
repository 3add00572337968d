"""One holder at a time of a mirror: among the tasks of this process by a lock of asyncio, among processes by a lock of the file system."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


class Holding:
    """A lock that lives in a file of its own.

    Args:
        path: The file, made when it is not there; it stays.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[None]:
        """Wait for the lock, and hold it within the context."""
        async with self._turn:
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            await _locked(fd)
            try:
                yield
            finally:
                os.close(fd)


async def _locked(fd: int) -> None:
    """Lock a file; `fd` is closed when that fails or is canceled."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        waiting = asyncio.get_running_loop().run_in_executor(None, fcntl.flock, fd, fcntl.LOCK_EX)
        try:
            await asyncio.shield(waiting)
        except BaseException:
            # the thread cannot be called off: what it gets after all is let go at once
            waiting.add_done_callback(lambda _: os.close(fd))
            raise
