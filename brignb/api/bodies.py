"""Reading a request's body within its limit and its time.

What must never happen: more than the limit in memory, whatever the headers claim; a caller that holds a connection open by sending
slowly; a compressed body, which may be larger than it seems.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from starlette.types import Receive

from brignb.api.answers import Rejected
from brignb.errors import BadInput

SECONDS: Final = 30.0
"""From the headers to the body's end; the hastiest senders give up after 10."""

DRAINED: Final = 64 * 1024 * 1024
"""Bytes that are read, and dropped at once, of a body that is too large: who is cut off while sending never hears why."""

_DIGITS: Final = 18
"""Of a Content-Length that are looked at; more are too many anyway, and Python converts only so many."""

_CLOSE: Final = {"connection": "close"}
"""What was not read cannot be followed by another request."""


class Gone(Exception):
    """The caller hung up; there is nobody to answer."""


async def read_body(headers: Mapping[str, str], receive: Receive, limit: int, *, seconds: float = SECONDS) -> bytes:
    """The whole body.

    Args:
        headers: Names in lower case.
        receive: ASGI's.
        limit: Bytes.
        seconds: From now to the body's end.

    Raises:
        Rejected: 413 when it is larger, 415 when it is encoded, 408 when it takes too long.
        BadInput: Content-Length is no number.
        Gone: The caller went away.
    """
    encoding = headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise Rejected(
            415,
            "media_type",
            f"{encoding!r:.40} bodies are not read",
            where="Content-Encoding",
            hint="send it as it is",
        )
    declared = _declared(headers)
    if declared > limit and ("expect" in headers or declared > DRAINED):
        raise _too_large(limit, close=True)
    try:
        async with asyncio.timeout(seconds):
            return await _chunks(receive, limit, too_large=declared > limit)
    except TimeoutError:
        raise Rejected(
            408, "timeout", f"the body took longer than {seconds:g} s", where="body", headers=_CLOSE
        ) from None


def _declared(headers: Mapping[str, str]) -> int:
    """Content-Length; 0 where it is not said."""
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise BadInput("it is no number", where="Content-Length")
    return int(length[:_DIGITS])


async def _chunks(receive: Receive, limit: int, *, too_large: bool) -> bytes:
    found: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        more = message.get("more_body", False)
        too_large = too_large or size > limit
        if too_large:
            found.clear()
            if not more or size > DRAINED:
                raise _too_large(limit, close=more)
        elif not more:
            return b"".join(found) + chunk if found else chunk
        else:
            found.append(chunk)


def _too_large(limit: int, *, close: bool) -> Rejected:
    shown = f"{limit // 1024} KiB" if limit < 1024 * 1024 else f"{limit // (1024 * 1024)} MiB"
    headers = _CLOSE if close else None
    return Rejected(413, "too_large", f"a body has at most {shown} here", where="body", headers=headers)
