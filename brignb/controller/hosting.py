"""The host of one worker: speaks to it over its control socket, ends it.

    Process, Assignment, secrets ──▶ host ──▶ Outcome           the worker said how it ended
                                       └────▶ Died              it is gone and said nothing

The worker is tied to this process by the socket: it ends when that does. How it came to be, and what else ties it, is `spawning`'s
business, or the zygote's. What must never happen: a worker, or anything it started, that lives on after `host` returned.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import threading
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Protocol, TypeVar

from brignb.errors import BrignbError
from brignb.model.assignment import Assignment, Server
from brignb.model.builds import JobRecord, Outcome, State
from brignb.model.wire import Decoder, encode

GRACE: Final = 10.0
"""Seconds a worker has between a cancel and its death: its handlers' `finally`, its jobs' end, its record."""
LINGER: Final = 5.0
"""Seconds that what user code left for the process's end (`atexit`) gets, once the record is written."""
_READ: Final = 1 << 20
T = TypeVar("T")


class Listener(Protocol):
    """Who hears what a worker says. An exception of `first_cell` or `emit` becomes the worker's error."""

    async def first_cell(self) -> None:
        """Its first user cell wants to start; return when that is durable."""

    async def emit(self, event_type: str, payload: str) -> Mapping[str, Any]:
        """It raises an event; return its ids when it is durable."""

    async def job(self, job: JobRecord) -> None:
        """A job's state."""

    def news(self, stream: str) -> None:
        """A stream has grown: a job's log, or `worker`, and then perhaps the journal too."""


@dataclass(frozen=True, slots=True)
class Died:
    """A worker that is gone and said nothing.

    Args:
        exit_code: As a shell gives it.
        words: What it, or the interpreter, last wrote outside of the notebook.
        out_of_memory: Whether the kernel killed it since the machine, or its control group, had no memory left.
    """

    exit_code: int
    words: str
    out_of_memory: bool = False

    def __str__(self) -> str:
        """One sentence, for people; not redacted."""
        if self.out_of_memory:
            return "the worker was killed: it was out of memory"
        words = self.words.splitlines()[-1] if self.words else ""
        return f"the worker died (exit code {self.exit_code})" + (f": {words}" if words else "")


class Process(Protocol):
    """A worker as a process, however it came to be. Its control socket is ours until `close`."""

    control: socket.socket
    out_of_memory: bool

    def begun(self) -> None:
        """Its first cell has begun: the machine has time for other things."""

    def kill(self) -> None:
        """Kill it, and all that it started, as far as is known."""

    async def ended(self) -> int:
        """Its exit code as a shell gives it, once it is gone and what it started too."""

    async def words(self) -> str:
        """After `ended`: what it last wrote outside of its notebook."""

    def close(self) -> None:
        """Let go of it."""


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

    async def unless(self, work: Coroutine[Any, Any, T]) -> T | None:
        """What comes of some work; given up, and None, when somebody asks meanwhile."""
        task = asyncio.create_task(work)
        asked = asyncio.create_task(self.wait())
        try:
            await asyncio.wait({task, asked}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
        finally:
            asked.cancel()
            task.cancel()
        await asyncio.wait({task})
        return None

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
    process: Process,
    assignment: Assignment,
    secrets: Mapping[str, str],
    *,
    listener: Listener,
    order: Order,
    seconds: float,
    server: Server | None = None,
) -> Outcome | Died:
    """Run one attempt of one build; afterwards nothing of the worker is left.

    Args:
        process: A worker that waits for its assignment.
        assignment: What it is told.
        secrets: The project's, in clear text; they go into a memfd.
        listener: Hears what it says.
        order: Ends it.
        seconds: After which it is ended as `timeout`.
        server: Where its jobs are started, if not by itself.
    """
    loop = asyncio.get_running_loop()
    given = {"secrets": dict(secrets), "server": asdict(server) if server else None}
    timers = [loop.call_later(seconds, order.cancel, "timeout")]

    def said_all() -> None:
        timers.append(loop.call_later(LINGER, process.kill))

    conversation = asyncio.create_task(_converse(process, assignment, given, listener, said_all))
    ender = asyncio.create_task(_end_on(order, process))
    gone = asyncio.create_task(_gone(process))
    try:
        outcome = await conversation
        code = await gone
    finally:
        for timer in timers:
            timer.cancel()
        ender.cancel()
        gone.cancel()
        conversation.cancel()
        process.kill()
        await process.ended()
        said = await process.words()
        process.close()
    return outcome or Died(code, said, process.out_of_memory)


async def _end_on(order: Order, process: Process) -> None:
    reason = await order.wait()
    with contextlib.suppress(TimeoutError, OSError):
        await asyncio.get_running_loop().sock_sendall(process.control, encode({"op": "cancel", "reason": reason}))
        await asyncio.wait_for(process.ended(), GRACE)
    process.kill()


async def _gone(process: Process) -> int:
    """Until it has ended; then what it said is heard to its end, though somebody it started may hold its socket open still."""
    code = await process.ended()
    with contextlib.suppress(OSError):
        process.control.shutdown(socket.SHUT_RD)  # what is queued can be read, then the end
    return code


async def _converse(
    process: Process,
    assignment: Assignment,
    given: Mapping[str, Any],
    listener: Listener,
    said_all: Callable[[], None],
) -> Outcome | None:
    """Tell it what to do, hear what it says; None when it hung up without an outcome."""
    loop, ours = asyncio.get_running_loop(), process.control
    try:
        await _assign(ours, assignment, given)
    except (BrokenPipeError, ConnectionResetError):
        return None
    decoder = Decoder()
    outcome: Outcome | None = None
    while data := await _receive(loop, ours):
        for message in decoder.feed(data):
            match message["op"]:
                case "news":
                    listener.news(message["stream"])
                case "job":
                    await listener.job(JobRecord(**{**message["job"], "state": State(message["job"]["state"])}))
                case "finished":
                    outcome = Outcome(**{**message["outcome"], "state": State(message["outcome"]["state"])})
                    said_all()
                case "first_cell" | "emit":
                    answer = encode(await _answer(message, listener))
                    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it died meanwhile
                        await loop.sock_sendall(ours, answer)
                    process.begun()
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


async def _assign(ours: socket.socket, assignment: Assignment, given: Mapping[str, Any]) -> None:
    """The first message; with its first byte the memfd of what nobody else may read, secrets and the server's token."""
    message = encode({"op": "assign", "assignment": assignment.to_json()})
    memory = _in_memory(json.dumps(given).encode())
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
