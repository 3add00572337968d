"""The host of one worker: starts the process, speaks to it over its control socket, ends it.

    Assignment, secrets ──▶ host ──▶ Outcome           the worker said how it ended
                              └────▶ Died              it is gone and said nothing

The worker is tied to this process: it ends when the socket does, and the kernel ends it when the thread that spawned it does
(PDEATHSIG; so it is spawned on the event loop's thread, which is the server's main one). What must never happen: a worker, or
anything it started, that lives on after `run` returned.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from brignb.errors import BrignbError
from brignb.executors.sandbox import Bind, wrap
from brignb.model.assignment import Assignment
from brignb.model.builds import JobRecord, Outcome, State
from brignb.model.wire import Decoder, encode

GRACE: Final = 10.0
"""Seconds a worker has between a cancel and its death: its handlers' `finally`, its jobs' end, its record."""
_LAST_WORDS: Final = 4096
_HELD_OPEN: Final = 0.5
_READ: Final = 1 << 20


class Listener(Protocol):
    """Who hears what a worker says. An exception of `first_cell` or `emit` becomes the worker's error."""

    async def first_cell(self) -> None:
        """Its first user cell wants to start; return when that is durable."""

    async def emit(self, event_type: str, payload: str) -> Mapping[str, Any]:
        """It raises an event; return its ids when it is durable."""

    async def job(self, job: JobRecord) -> None:
        """A job's state."""

    def news(self) -> None:
        """A stream has grown."""


@dataclass(frozen=True, slots=True)
class Died:
    """A worker that is gone and said nothing.

    Args:
        exit_code: As a shell gives it.
        words: What it, or the interpreter, last wrote outside of the notebook.
    """

    exit_code: int
    words: str

    def __str__(self) -> str:
        """One sentence, for people; not redacted."""
        words = self.words.splitlines()[-1] if self.words else ""
        return f"the worker died (exit code {self.exit_code})" + (f": {words}" if words else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """What a worker may see and write.

    Args:
        binds: Folders besides the read-only machine.
        hidden: Folders that are not there for it.
    """

    binds: Sequence[Bind] = ()
    hidden: Sequence[Path] = ()


class Order:
    """A request to end a worker; the first reason counts."""

    def __init__(self) -> None:
        self._reason: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def cancel(self, reason: str) -> None:
        """`canceled` or `timeout`."""
        if not self._reason.done():
            self._reason.set_result(reason)

    async def wait(self) -> str:
        """Until somebody asks."""
        return await asyncio.shield(self._reason)

    @property
    def reason(self) -> str | None:
        """Why, once somebody asked."""
        return self._reason.result() if self._reason.done() else None

    def outcome(self) -> Outcome | None:
        """How a build ended that somebody ended, when its worker, if there was one, did not say; None: nobody asked."""
        match self.reason:
            case None:
                return None
            case "timeout":
                message = "the build's time was up; its worker was killed"
                return Outcome(state=State.TIMED_OUT, reason="timeout", message=message)
            case reason:
                return Outcome(state=State.CANCELED, reason=reason, message="the build was canceled")


async def host(
    assignment: Assignment,
    secrets: Mapping[str, str],
    *,
    listener: Listener,
    order: Order,
    seconds: float,
    sandbox: Sandbox | None,
    cwd: Path,
    tell: Callable[[int], None] = lambda _pid: None,
) -> Outcome | Died:
    """Run one attempt of one build.

    Args:
        assignment: What the worker is told.
        secrets: The project's, in clear text; they go into a memfd.
        listener: Hears what it says.
        order: Ends it.
        seconds: After which it is ended as `timeout`.
        sandbox: None: it runs without one.
        cwd: Its working directory, as it sees it.
        tell: Hears the process id, once.
    """
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours:
        with theirs:
            process = await _spawn(theirs, sandbox, cwd)
        tell(process.pid)
        words = _LastWords(process)
        conversation = asyncio.create_task(_converse(ours, assignment, secrets, listener))
        timer = asyncio.get_running_loop().call_later(seconds, order.cancel, "timeout")
        ender = asyncio.create_task(_end_on(order, ours, process))
        gone = asyncio.create_task(_gone(process, ours))
        try:
            outcome = await conversation
            code = await gone
        finally:
            timer.cancel()
            ender.cancel()
            gone.cancel()
            conversation.cancel()
            _kill_group(process)
            await process.wait()
            said = await words.said()
    return outcome or Died(code if code >= 0 else 128 - code, said)


async def _spawn(theirs: socket.socket, sandbox: Sandbox | None, cwd: Path) -> asyncio.subprocess.Process:
    fd = theirs.fileno()
    argv = [sys.executable, "-P", "-m", "brignb.wiring.work", str(fd)]
    if sandbox is not None:
        argv = wrap(argv, binds=sandbox.binds, hidden=sandbox.hidden, cwd=cwd)
    return await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        pass_fds=(fd,),
        start_new_session=True,
        cwd=None if sandbox is not None else cwd,
        env=_environment(),
    )


def _environment() -> dict[str, str]:
    """A worker's, from scratch: nothing of the server's leaks into it."""
    here = str(Path(sys.executable).parent)
    path = os.environ.get("PATH", os.defpath)
    return {"PATH": f"{here}:{path}", "HOME": "/tmp", "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}  # noqa: S108 - private there


def _kill_group(process: asyncio.subprocess.Process) -> None:
    """What is left of its process group; in a sandbox all of it ends with its first process."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


class _LastWords:
    """The end of what is written outside of the notebook: an interpreter that cannot start, a crash."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._kept = b""
        self._reading = asyncio.create_task(self._read(process))

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # noqa: S101 - asked for by `_spawn`
        while chunk := await process.stdout.read(_LAST_WORDS):
            self._kept = (self._kept + chunk)[-_LAST_WORDS:]

    async def said(self) -> str:
        """All of it, once the process is gone; somebody who left its group may hold the pipe open, and is not waited for long."""
        await asyncio.wait({self._reading}, timeout=_HELD_OPEN)
        self._reading.cancel()
        return self._kept.decode("utf-8", "replace").strip()


async def _end_on(order: Order, ours: socket.socket, process: asyncio.subprocess.Process) -> None:
    reason = await order.wait()
    try:
        await asyncio.get_running_loop().sock_sendall(ours, encode({"op": "cancel", "reason": reason}))
        await asyncio.wait_for(process.wait(), GRACE)
    except (TimeoutError, OSError):
        _kill_group(process)


async def _gone(process: asyncio.subprocess.Process, ours: socket.socket) -> int:
    """Until it has ended; then what it said is heard to its end, though somebody it started may hold its socket open still."""
    code = await process.wait()
    _kill_group(process)
    ours.shutdown(socket.SHUT_RD)  # what is queued can be read, then the end
    return code


async def _converse(
    ours: socket.socket, assignment: Assignment, secrets: Mapping[str, str], listener: Listener
) -> Outcome | None:
    """Tell it what to do, hear what it says; None when it hung up without an outcome."""
    loop = asyncio.get_running_loop()
    try:
        await _assign(ours, assignment, secrets)
    except (BrokenPipeError, ConnectionResetError):
        return None
    decoder = Decoder()
    outcome: Outcome | None = None
    while data := await _receive(loop, ours):
        for message in decoder.feed(data):
            match message["op"]:
                case "news":
                    listener.news()
                case "job":
                    await listener.job(JobRecord(**{**message["job"], "state": State(message["job"]["state"])}))
                case "finished":
                    outcome = Outcome(**{**message["outcome"], "state": State(message["outcome"]["state"])})
                case "first_cell" | "emit":
                    await loop.sock_sendall(ours, encode(await _answer(message, listener)))
    return outcome


async def _receive(loop: asyncio.AbstractEventLoop, ours: socket.socket) -> bytes:
    try:
        return await loop.sock_recv(ours, _READ)
    except ConnectionResetError:
        return b""


async def _answer(message: dict[str, Any], listener: Listener) -> dict[str, Any]:
    ack: dict[str, Any] = {"op": "ack", "id": message["id"]}
    try:
        if message["op"] == "first_cell":
            await listener.first_cell()
            return ack
        return {**ack, **await listener.emit(message["type"], message["payload"])}
    except BrignbError as error:
        return {**ack, "error": error.message}


async def _assign(ours: socket.socket, assignment: Assignment, secrets: Mapping[str, str]) -> None:
    """The first message, the secrets' memfd with its first byte."""
    message = encode({"op": "assign", "assignment": assignment.to_json()})
    memory = _in_memory(json.dumps(dict(secrets)).encode())
    try:
        socket.send_fds(ours, [message[:1]], [memory])
    finally:
        os.close(memory)
    await asyncio.get_running_loop().sock_sendall(ours, message[1:])


def _in_memory(data: bytes) -> int:
    """A descriptor to read `data` from that is no file on a disk: a memfd, or a pipe where there are none (macOS)."""
    if hasattr(os, "memfd_create"):
        memory = os.memfd_create("secrets", os.MFD_CLOEXEC)
        os.write(memory, data)
        return memory
    reading, writing = os.pipe()

    def fill() -> None:
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(data)

    threading.Thread(target=fill, daemon=True).start()  # a pipe holds little; its reader comes later
    return reading
