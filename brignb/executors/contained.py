"""A running container: its bytes, its news, its end.

`Contained` is the asyncio protocol of one process that a `Launch` describes. It hands bytes on as they are read, can stop reading, and
knows when everything inside is gone: the container ended, the first process of its tree ended, and both pipes are at their end.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, cast

from brignb.executors.containing import Launch
from brignb.executors.news import News

STDOUT: Final = 1
STDERR: Final = 2

_HELD_OPEN: Final = 1.0
"""Seconds after the end in which the pipes must end too. On Linux nobody is left to hold them."""


class Contained(asyncio.SubprocessProtocol):
    """See the module.

    Args:
        read: Takes a descriptor's number, `STDOUT` or `STDERR`, and the bytes read from it.
    """

    def __init__(self, read: Callable[[int, bytes], None]) -> None:
        loop = asyncio.get_running_loop()
        self._read = read
        self._exited: asyncio.Future[None] = loop.create_future()
        self._closed = {fd: loop.create_future() for fd in (STDOUT, STDERR)}
        self._news = News()
        self._transport: asyncio.SubprocessTransport  # from connection_made on, which is before spawn returns

    @classmethod
    async def spawn(cls, launch: Callable[[int], Launch], read: Callable[[int, bytes], None]) -> Contained:
        """Execute what `launch` answers to the descriptor for its news.

        Raises:
            OSError: It cannot be executed.
        """
        loop = asyncio.get_running_loop()
        contained = cls(read)
        news, tell = os.pipe()
        await loop.connect_read_pipe(lambda: contained._news, os.fdopen(news, "rb", 0))
        fds: tuple[int, ...] = (tell,)
        try:
            what = launch(tell)
            fds = what.fds
            await loop.subprocess_exec(
                lambda: contained,
                *what.argv,
                stdin=asyncio.subprocess.DEVNULL if what.told is None else asyncio.subprocess.PIPE,
                env=what.env,
                cwd="/",  # a checkout may go away under us
                pass_fds=what.fds,
                start_new_session=True,  # a terminal's Ctrl-C is for us, not for the container
            )
        finally:
            for fd in fds:
                os.close(fd)
        if what.told is not None:
            contained._stdin().write(what.told)
        return contained

    def terminate(self) -> None:
        """Ask the job's processes to end; kill what is not the job's own program yet, which nobody can ask."""
        leader = self._news.leader
        if leader is None or self._news.exit_code is not None or not self._program_runs(leader):
            self.kill()
            return
        with suppress(ProcessLookupError):  # it ended, and the news is on its way
            os.killpg(leader, signal.SIGTERM)

    def kill(self) -> None:
        """Kill everything. Bubblewrap takes its tree with it; the supervisor is told by the end of its stdin."""
        if self._exited.done():
            return
        if self._transport.get_pipe_transport(0):
            self._stdin().close()
        else:
            self._news.kill()
            self._transport.kill()

    def pause(self) -> None:
        """Read no more for now."""
        for pipe in self._open_pipes():
            pipe.pause_reading()

    def resume(self) -> None:
        """Read on."""
        for pipe in self._open_pipes():
            pipe.resume_reading()

    async def ended(self) -> None:
        """The container has ended; what its pipes still hold is not read yet."""
        await self._exited
        await self._news.ended
        await self._news.leader_gone()

    async def drained(self) -> bool:
        """After `ended`: everything was read. False when somebody outside still holds a pipe open, which is let go of."""
        self.resume()
        _, late = await asyncio.wait(self._closed.values(), timeout=_HELD_OPEN)
        self._transport.close()
        await asyncio.gather(*self._closed.values())
        return not late

    @property
    def has_ended(self) -> bool:
        """Whether the job's main process ended, as far as is known here."""
        return self._news.exit_code is not None or self._exited.done()

    @property
    def exit_code(self) -> int | None:
        """Of the job's main process, as a shell gives it; None when the container could not tell."""
        return self._news.exit_code

    @property
    def container_code(self) -> int | None:
        """Of the container itself; negative: a signal ended it."""
        return self._transport.get_returncode()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio's: it runs."""
        self._transport = cast(asyncio.SubprocessTransport, transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Asyncio's: it wrote."""
        self._read(fd, data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Asyncio's: a pipe is at its end."""
        if fd in self._closed and not self._closed[fd].done():
            self._closed[fd].set_result(None)

    def process_exited(self) -> None:
        """Asyncio's: it ended."""
        self._exited.set_result(None)

    def _program_runs(self, leader: int) -> bool:
        """Whether there is somebody to hear a signal.

        The supervisor tells of the program itself. Bubblewrap tells of its own init, which as the first process of its tree hears no
        SIGTERM (pid_namespaces(7)); the program is its child.
        """
        if self._transport.get_pipe_transport(0):
            return True
        try:
            return bool(Path(f"/proc/{leader}/task/{leader}/children").read_bytes())
        except OSError:  # it ended, or this kernel does not tell
            return True

    def _stdin(self) -> asyncio.WriteTransport:
        return cast(asyncio.WriteTransport, self._transport.get_pipe_transport(0))

    def _open_pipes(self) -> list[asyncio.ReadTransport]:
        return [
            cast(asyncio.ReadTransport, self._transport.get_pipe_transport(fd))
            for fd, closed in self._closed.items()
            if not closed.done()
        ]
