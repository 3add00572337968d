"""The control socket's messages: a 4-byte big-endian length, then a JSON object.

`docs/architecture.md`, "Processes", has the table of them. Both ends read with a `Decoder`, so that neither cares how the bytes were
cut on their way.
"""

from __future__ import annotations

import json
import struct
from typing import Any, Final

from brignb.errors import BadInput

_LENGTH = struct.Struct(">I")
MESSAGE_MAX: Final = 256 * 1024 * 1024
"""Bytes; an assignment holds its event's payload, which may be 25 MiB before it is escaped."""


def encode(message: dict[str, Any]) -> bytes:
    """A message as it travels."""
    body = json.dumps(message, separators=(",", ":")).encode()
    return _LENGTH.pack(len(body)) + body


class Decoder:
    """Takes bytes as they come, gives whole messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """The messages that `data` completes.

        Raises:
            BadInput: The other end does not speak this protocol.
        """
        self._buffer += data
        messages = []
        while len(self._buffer) >= _LENGTH.size:
            (size,) = _LENGTH.unpack_from(self._buffer)
            if size > MESSAGE_MAX:
                raise BadInput(f"a message of {size} bytes on the control socket", where="control socket")
            end = _LENGTH.size + size
            if len(self._buffer) < end:
                break
            body = bytes(self._buffer[_LENGTH.size : end])
            del self._buffer[:end]
            try:
                message = json.loads(body)
            except ValueError as error:
                raise BadInput("a message that is no JSON on the control socket", where="control socket") from error
            if not isinstance(message, dict):
                raise BadInput("a message that is no object on the control socket", where="control socket")
            messages.append(message)
        return messages
