"""One zygote as the server holds it: started once, asked for workers, told of their ends.

    start ──▶ ready ──▶ take ──▶ Forked … ──▶ retire (no more workers; it ends with its last one)

A spare worker waits already forked, without a build, so that a fork is on nobody's way in. What must never happen: a worker whose end
nobody is told of. When the zygote dies, the kernel has killed its workers with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from brignb.errors import Unavailable
from brignb.zygote.forked import KILLED, WORDS_MAX, Forked

_MESSAGE_MAX: Final = 1 << 16
GROWN: Final = 1.5
"""Times the memory it began with, from which on a zygote is replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What a zygote says of itself once it can fork.

    Args:
        rss: Bytes of memory.
        overlay: Whether a tree can be overlaid here.
        refused: Why a module is not preloaded, by its name.
    """

    rss: int
    overlay: bool
    refused: Mapping[str, str]


class Zygote:
    """See the module.

    Args:
        ended: Is called when it is gone.
    """

    def __init__(self, *, ended: Callable[[Zygote], None]) -> None:
        self._tell_ended = ended
        self._numbers = 0
        self._workers: dict[int, Forked] = {}
        self._spares: deque[Forked] = deque()
        self._retired = False
        self._process: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None
        self._has_room: asyncio.Future[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[Ready] = self._loop.create_future()
        self._making: asyncio.Task[None] | None = None
        self._killed = False
        self.rss = 0

    async def start(self, argv: Sequence[str], env: Mapping[str, str], *, spares: int = 1) -> Ready:
        """Start it and wait until it can fork.

        Args:
            argv: Its command line; `{fd}` in it becomes the number of its socket.
            env: Its whole environment, from which that of its workers comes.
            spares: Workers that wait.

        Raises:
            Unavailable: It ended instead; with its last words.
        """
        self._target = spares
        self._making = asyncio.create_task(self._make(argv, env))
        # Not to be canceled half-way: asyncio would wait for ever for such a process (Python 3.11).
        await asyncio.shield(self._making)
        ready = await self._ready
        self._first_rss = self.rss = ready.rss
        self.refill()
        return ready

    async def _make(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        self._sock, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._sock.setblocking(False)
        with theirs:
            fd = theirs.fileno()
            process = self._process = await asyncio.create_subprocess_exec(
                *(word.replace("{fd}", str(fd)) for word in argv),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                pass_fds=(fd,),
                start_new_session=True,
                env=dict(env),
            )
        self._loop.add_reader(self._sock.fileno(), self._hear)
        self._watching = asyncio.create_task(self._watch(process))
        if self._killed:
            self.kill()

    @property
    def usable(self) -> bool:
        """Whether it takes requests."""
        here = self._process is not None and self._process.returncode is None
        return here and self._ready.done() and not self._retired

    @property
    def pid(self) -> int | None:
        """Of the process that it was started as."""
        return self._process.pid if self._process is not None else None

    @property
    def grown(self) -> bool:
        """Whether it has become so large that a fresh one is better."""
        return self.rss > GROWN * self._first_rss

    @property
    def idle(self) -> bool:
        """Whether no worker of it has a build."""
        return len(self._workers) == len(self._spares)

    async def take(self) -> Forked:
        """A worker that waits for its assignment.

        Raises:
            OSError: It cannot be asked for one.
        """
        while not self._spares:
            try:
                return self._fork()
            except BlockingIOError:  # it has as many requests as its socket takes
                await self._room()
        return self._spares.popleft()

    def refill(self) -> None:
        """Have a spare worker ready again."""
        with contextlib.suppress(OSError):  # then the next build waits for its fork, or hears why there is none
            while self.usable and len(self._spares) < self._target:
                self._spares.append(self._fork())

    def retire(self) -> None:
        """No more workers; it ends with its last one."""
        self._retired = True
        for spare in self._spares:
            spare.close()
        self._end_if_done()

    def kill(self) -> None:
        """End it at once, and its workers with it.

        A sandbox that is still being set up may not be tied to its starter yet: what is left of that finds that nobody is there.
        """
        self._killed = True
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(OSError):  # it is gone
            self._sock.shutdown(socket.SHUT_RDWR)

    async def gone(self) -> None:
        """Until it is; one that has not been started is."""
        if self._making is not None:
            await asyncio.wait({self._making})
        if self._watching is not None:
            await asyncio.shield(self._watching)

    def _fork(self) -> Forked:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        words, write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        number = self._numbers = self._numbers + 1
        worker = Forked(ours, words, give_up=self.kill, begun=self.refill)
        try:
            socket.send_fds(self._sock, [json.dumps({"fork": number}).encode()], [theirs.fileno(), write])
        except OSError:
            ours.close()
            os.close(words)
            raise
        finally:
            theirs.close()
            os.close(write)
        self._workers[number] = worker
        return worker

    async def _room(self) -> None:
        """Until its socket takes a request; all who wait share one look."""
        if self._has_room is None or self._has_room.done():
            self._has_room = self._loop.create_future()
            self._loop.add_writer(self._sock.fileno(), self._tell_room, self._has_room)
        await asyncio.shield(self._has_room)

    def _tell_room(self, waiting: asyncio.Future[None]) -> None:
        self._loop.remove_writer(self._sock.fileno())
        if not waiting.done():
            waiting.set_result(None)

    def _hear(self) -> None:
        while True:
            try:
                data, fds, _flags, _address = socket.recv_fds(self._sock, _MESSAGE_MAX, 1)
            except BlockingIOError:
                return
            except ConnectionResetError:
                data, fds = b"", []
            if not data:
                self._loop.remove_reader(self._sock.fileno())
                return
            self._take(json.loads(data), fds)

    def _take(self, message: dict[str, Any], fds: list[int]) -> None:
        self.rss = message["rss"]
        match message:
            case {"ready": facts}:
                self._ready.set_result(Ready(rss=self.rss, **facts))
            case {"forked": number}:
                self._workers[number].forked(fds[0])
            case {"refused": number, "error": error}:
                self._over(number, KILLED, why=f"the zygote cannot fork: {error}")
            case {"exited": number, "status": status, "oom": oom}:
                code = os.waitstatus_to_exitcode(status)
                self._over(number, code if code >= 0 else 128 - code, out_of_memory=oom)
        self._end_if_done()

    def _over(self, number: int, code: int, *, why: str = "", out_of_memory: bool = False) -> None:
        worker = self._workers.pop(number)
        worker.said(why)
        worker.exited(code, out_of_memory=out_of_memory)
        if worker in self._spares:
            self._spares.remove(worker)
            if not self._retired:
                worker.close()

    def _end_if_done(self) -> None:
        if self._retired and not self._workers:
            self._sock.shutdown(socket.SHUT_WR)  # its loop ends, and it does

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """Until it is gone; then so are its workers."""
        assert process.stdout is not None  # noqa: S101 - asked for by `start`
        kept = b""
        while chunk := await process.stdout.read(WORDS_MAX):
            kept = (kept + chunk)[-WORDS_MAX:]
        await process.wait()
        self._hear()
        self._loop.remove_reader(self._sock.fileno())
        if self._has_room is not None:  # who waits for room must not wait for ever
            self._tell_room(self._has_room)
        self._sock.close()
        words = kept.decode("utf-8", "replace").strip()
        if not self._ready.done():
            self._ready.set_exception(Unavailable(f"the worker's zygote cannot be started: {words}", where="zygote"))
        for number in tuple(self._workers):
            self._over(number, KILLED, why=f"its zygote died: {words}" if words else "its zygote died")
        self._tell_ended(self)
