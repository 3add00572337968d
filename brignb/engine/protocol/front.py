"""The front end: executes on a kernel, and passes on what it shows.

    execute(source) ──▶ shell ──▶ kernel ──▶ reply ──▶ the caller, once everything that the cell showed was passed on
                                        └──▶ iopub ──▶ `take`: ("stdout", text) or ("", entry), in the order of their coming

Everything that a kernel shows is taken, whatever request it belongs to: a thread's text, a job's display. Channels and messages are
jupyter_client's; sockets are emptied in batches, since one turn of the event loop for each message of a flood would take minutes.
What must never happen: a wait that outlives the kernel.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import zmq

from brignb.engine.bundles import clean_bundle
from brignb.engine.protocol.seam import KernelGone
from brignb.engine.protocol.widgets import Widgets

_BATCH: Final = 200
"""Messages that are taken before the loop has another turn."""
_NUDGE: Final = 0.25
"""Seconds until an unanswered `kernel_info` is asked again: until its subscription is known, a kernel shows us nothing."""
_UNANSWERED: Final = 0.5
"""Seconds that a reply and the end of what a cell shows may be apart, before we ask whether the other comes at all."""
_LAST: Final = 1.0
"""Seconds for the end of a dead kernel's stream; a process that it forked may hold the connection open."""

Message = dict[str, Any]


class Front:
    """See the module. Made, used and closed on one event loop.

    Args:
        client: jupyter_client's, with open channels.
        gone: When the kernel's process has ended.
        take: Takes what is shown; what it raises ends every wait.
    """

    def __init__(self, client: Any, gone: asyncio.Future[int], take: Callable[[str, Any], None]) -> None:
        self._client = client
        self._gone = gone
        self._take = take
        self.widgets = Widgets(client)
        self._loop = asyncio.get_running_loop()
        self._replies: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._idles: dict[str, asyncio.Future[None]] = {}
        self._closed = False
        self._heard: asyncio.Event = asyncio.Event()
        self._broken: asyncio.Future[None] = self._loop.create_future()
        self._monitor = client.iopub_channel.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        self._readers = [
            asyncio.create_task(self._read(client.shell_channel.socket, self._on_shell)),
            asyncio.create_task(self._read(client.iopub_channel.socket, self._on_iopub)),
            asyncio.create_task(self._mind()),
        ]
        for reader in self._readers:
            reader.add_done_callback(self._on_reader)

    async def ready(self) -> dict[str, Any]:
        """Until it answers and is heard; what it says of itself (`kernel_info`).

        Raises:
            KernelGone: It ended before.
        """
        info: dict[str, Any] | None = None
        while info is None or not self._heard.is_set():
            number = self._inform()
            answer = self._replies.setdefault(number, self._loop.create_future())
            answered = asyncio.gather(answer, self._heard.wait())
            await asyncio.wait({answered, self._broken}, timeout=_NUDGE, return_when=asyncio.FIRST_COMPLETED)
            answered.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await answered
            self._raise_broken()
            if answer.done() and not answer.cancelled():
                info = answer.result()["content"]
        return info

    async def execute(self, source: str, *, silent: bool = False, expression: str | None = None) -> dict[str, Any]:
        """Run a source to its end; the reply's content.

        Args:
            source: In the kernel's language.
            silent: It leaves no trace in its history, and counts for nothing.
            expression: Is evaluated after it; see `expressed`.

        Raises:
            KernelGone: It ended meanwhile.
        """
        number = self._client.execute(
            source,
            silent=silent,
            store_history=not silent,
            user_expressions={"it": expression} if expression else None,
            allow_stdin=False,
            stop_on_error=False,  # what to do after an error is decided here
        )
        self._look_again()
        reply = self._replies[number] = self._loop.create_future()
        idle = self._idles[number] = self._loop.create_future()
        await asyncio.wait({idle, reply, self._broken}, return_when=asyncio.FIRST_COMPLETED)
        self._raise_broken()
        await asyncio.wait({idle, self._broken}, timeout=_UNANSWERED, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({reply, self._broken}, timeout=_UNANSWERED, return_when=asyncio.FIRST_COMPLETED)
        if not (idle.done() and reply.done()):
            await self._catch_up()
        self._raise_broken()
        if not reply.done():
            reason = "the kernel gave no reply: its own handling of the cell failed"
            return {"status": "error", "ename": "NoReply", "evalue": reason, "traceback": [reason]}
        content: dict[str, Any] = reply.result()["content"]
        return content

    async def express(self, expression: str) -> Any:
        """What an expression shows as `application/json` (None: nothing), evaluated in silence.

        Raises:
            KernelGone: It ended meanwhile.
            ExpressionFailed: It raised; `ename` says what.
        """
        reply = await self.execute("", silent=True, expression=expression)
        found = reply.get("user_expressions", {}).get("it", reply)
        if found.get("status") != "ok":
            raise ExpressionFailed(str(found.get("ename", "")), str(found.get("evalue", "")))
        shown = found.get("data", {}).get("application/json")
        return json.loads(shown) if isinstance(shown, str) else shown

    def nudge(self) -> None:
        """Have the kernel's loop wake: ipykernel's signal handler alone does not wake a loop that waits for an `await`."""
        self._inform()

    def _inform(self) -> str:
        number: str = self._client.kernel_info()
        self._look_again()
        return number

    def _look_again(self) -> None:
        """After a send: it may have taken notice of what came in on its socket in the reader's stead, who would sleep on.

        (zmq's descriptor tells of a change once, and jupyter_client sends past the asyncio socket that waits for it.)
        """
        self._loop.call_soon(self._look)

    def _look(self) -> None:
        if self._closed:
            return
        try:
            self._empty(self._client.shell_channel.socket, self._on_shell, None)
        except Exception as error:  # noqa: BLE001 - it ends every wait
            if not self._broken.done():
                self._broken.set_exception(error)

    async def close(self) -> None:
        """Stop listening."""
        self._closed = True
        for reader in self._readers:
            reader.cancel()
        await asyncio.wait(self._readers)
        if not self._broken.done():
            self._broken.cancel()
        elif not self._broken.cancelled():
            self._broken.exception()  # it is known
        self._client.iopub_channel.socket.disable_monitor()
        self._monitor.close(linger=0)

    async def _catch_up(self) -> None:
        """The cell is over, and its reply or its end of output is not here.

        Messages of a channel come in order: once a later request's are here, those will never come. (ipykernel gives no reply when its
        own handling fails, and names another request's end when a widget's message comes in between.)
        """
        number = self._inform()
        idle = self._idles[number] = self._loop.create_future()
        await self._until(asyncio.gather(self._answer(number), idle))

    def _answer(self, number: str) -> asyncio.Future[dict[str, Any]]:
        return self._replies.setdefault(number, self._loop.create_future())

    async def _until(self, future: asyncio.Future[Any]) -> None:
        await asyncio.wait({future, self._broken}, return_when=asyncio.FIRST_COMPLETED)
        if not future.done():
            future.cancel()
        self._raise_broken()

    def _raise_broken(self) -> None:
        if self._broken.done():
            self._broken.result()

    def _on_reader(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) and not self._broken.done():
            self._broken.set_exception(error)

    async def _mind(self) -> None:
        """Once the kernel is gone: hear it out, then say so."""
        code = await asyncio.shield(self._gone)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._monitor.recv_multipart(), _LAST)
        self._empty(self._client.iopub_channel.socket, self._on_iopub, None)
        self._empty(self._client.shell_channel.socket, self._on_shell, None)
        raise KernelGone(code)

    async def _read(self, socket: Any, heed: Callable[[Message], None]) -> None:
        while True:
            await socket.poll()
            self._empty(socket, heed, _BATCH)
            await asyncio.sleep(0)  # `poll` does not wait, nor let others, while there is more

    def _empty(self, socket: Any, heed: Callable[[Message], None], most: int | None) -> None:
        plain: zmq.Socket[bytes] = zmq.Socket.shadow(socket)
        session = self._client.session
        while most is None or most > 0:
            try:
                frames = plain.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            _, parts = session.feed_identities(frames)
            heed(session.deserialize(parts))
            most = None if most is None else most - 1

    def _on_shell(self, message: Message) -> None:
        answer = self._replies.pop(message["parent_header"].get("msg_id", ""), None)
        if answer is not None and not answer.done():
            answer.set_result(dict(message))

    def _on_iopub(self, message: Message) -> None:
        self._heard.set()
        kind, content = message["msg_type"], message["content"]
        if kind == "status":
            if content["execution_state"] == "idle":
                idle = self._idles.pop(message["parent_header"].get("msg_id", ""), None)
                if idle is not None and not idle.done():
                    idle.set_result(None)
        elif self.widgets.takes(message):
            self._look_again()  # it may have answered
        elif (item := _item(kind, content)) is not None:
            self._take(*item)


class ExpressionFailed(Exception):
    """An expression raised in the kernel.

    Args:
        ename: The exception's type.
        evalue: Its text.
    """

    def __init__(self, ename: str, evalue: str) -> None:
        super().__init__(f"{ename}: {evalue}")
        self.ename = ename
        self.evalue = evalue


def _item(kind: str, content: Mapping[str, Any]) -> tuple[str, Any] | None:
    """What a message shows, for the scribe; None for what no record keeps."""
    name = (content.get("transient") or {}).get("display_id")
    match kind:
        case "stream":
            return ("stderr" if content["name"] == "stderr" else "stdout"), str(content["text"])
        case "clear_output":
            return "", {"op": "clear", "wait": bool(content.get("wait"))}
        case "update_display_data":
            return None if name is None else ("", {"op": "update", "id": name, **_shown(content)})
        case "display_data":
            output = {"output_type": kind, **_shown(content)}
        case "execute_result":
            output = {"output_type": kind, **_shown(content), "execution_count": content.get("execution_count")}
        case "error":
            output = {
                "output_type": kind,
                "ename": str(content.get("ename", "")),
                "evalue": str(content.get("evalue", "")),
                "traceback": [str(line) for line in content.get("traceback", ())],
            }
        case _:
            return None
    return "", {"op": "output", "output": output} | ({} if name is None else {"id": name})


def _shown(content: Mapping[str, Any]) -> dict[str, Any]:
    return {"data": clean_bundle(content["data"]), "metadata": dict(content.get("metadata") or {})}
