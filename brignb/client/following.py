"""Following logs over server-sent events, across cut connections.

Each line's event has an id, the cursor after it. When the connection is cut, the next one begins with the last id seen. What must never
happen: a line twice, a line lost, or a silence that is taken for an end.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

import httpx

from brignb.archive.follow import Told
from brignb.archive.seam import WORKER
from brignb.client.answers import unreachable
from brignb.errors import Unreachable
from brignb.model.logs import LogLine
from brignb.model.times import parse_rfc3339

SILENCE: Final = 45.0
"""Seconds without a byte, after which the connection is taken for dead; the server shows that it lives every 15."""
ATTEMPTS: Final = 8
"""Connections in a row that may fail before the follower gives up."""
_PAUSES: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each of them."""

Connect = Callable[[str], AbstractContextManager[Iterator[str]]]


@dataclass(frozen=True, slots=True)
class End:
    """How the build is, once all was told. `state` is terminal when the logs were followed."""

    state: str
    reason: str | None = None
    message: str | None = None


def follow(
    connect: Connect, *, server: str, on_retry: Callable[[str], None], pause: Callable[[float], None] = time.sleep
) -> Iterator[Told | End]:
    """Lines, then the end.

    Args:
        connect: Opens the stream after a cursor, and gives its lines.
        server: Its address, for errors.
        on_retry: Is told why a connection is made again.
        pause: Waits for so many seconds.

    Raises:
        Unreachable: The first connection failed, or too many in a row.
    """
    cursor = ""
    failures = 0
    connected = False
    while True:
        try:
            with connect(cursor) as lines:
                connected = True
                for told in _told(lines):
                    failures = 0
                    yield told
                    if isinstance(told, End):
                        return
                    cursor = told.cursor
            error: Unreachable = Unreachable("the connection was closed before the end", where=server)
        except httpx.TransportError as cut:
            error = unreachable(cut, server)
        failures += 1
        if failures == ATTEMPTS or not connected:
            raise error
        on_retry(error.message)
        pause(_PAUSES[failures - 1])


def _told(lines: Iterator[str]) -> Iterator[Told | End]:
    """Events of a stream; one that was cut in its middle is not one."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
            continue
        if "data" in fields:
            data = json.loads(fields["data"])
            yield End(**data) if fields.get("event") == "end" else _line(data, fields["id"])
        fields = {}


def _line(data: dict[str, str], cursor: str) -> Told:
    line = LogLine(parse_rfc3339(data["at"]), data["stream"], data["text"], partial=bool(data.get("partial")))
    return Told(data["job"], data.get("job_id") or WORKER, line, cursor)
