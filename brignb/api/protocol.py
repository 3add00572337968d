"""HTTP/1.1 on the wire: uvicorn's fast parser, with the bounds that it lacks.

A request's head has at most `HEAD_MAX` bytes and `HEAD_SECONDS` seconds; bodies have bounds of their own (`bodies`). What is no HTTP is
answered in the contract's shape, too. What must never happen: a connection that costs memory or a descriptor for as long as a stranger
likes.
"""

from __future__ import annotations

import asyncio
import json
from typing import Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

HEAD_MAX: Final = 64 * 1024
"""Bytes of a request's first line and headers; other servers take 8 to 32 KiB."""
HEAD_SECONDS: Final = 30.0
"""From a request's first byte, or from the connection's beginning, to the end of its headers."""


class BoundedHttp(HttpToolsProtocol):
    """See the module; hand it to uvicorn as `http`."""

    _head: int | None = 0  # bytes so far; None: the headers are complete
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn's signature
        """The first head may come from now on."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """No more waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, then look whether the head grows too large."""
        super().data_received(data)
        if self._head is None:
            return
        self._head += len(data)
        if self._head > HEAD_MAX:
            self._turn_away(431, "headers", f"a request's first line and headers have at most {HEAD_MAX // 1024} KiB")

    def on_message_begin(self) -> None:
        """Another request on the same connection."""
        if self._head is None:
            self._head = 0
            self._wait_for_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is whole; what follows is the app's business."""
        self._head = None
        self._stop_waiting()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP; `msg` is uvicorn's."""
        del msg
        self._turn_away(400, "http", "this is no HTTP request")

    def _wait_for_head(self) -> None:
        self._stop_waiting()
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._late)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        self._deadline = None
        self._turn_away(408, "timeout", f"the headers took longer than {HEAD_SECONDS:g} s")

    def _turn_away(self, status: int, code: str, message: str) -> None:
        if self.transport.is_closing():
            return
        body = json.dumps({"error": {"code": code, "message": message, "where": "", "hint": ""}}).encode()
        head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
        self.transport.write(STATUS_LINE[status] + head + body)
        self.transport.close()
