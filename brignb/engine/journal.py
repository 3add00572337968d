r"""The journal: what an engine saw, one JSON object a line, appended while it is seen.

    {"op": "start", "at", "tier", "why", "version", "language_info"?, "parameters", "injected": {"index", "source"} or null}
    {"op": "begin", "cell", "at", "count", "source"?, "tags"?}      with a source: a cell that the notebook has not, appended
    {"op": "text", "cell", "stream", "text"}
    {"op": "output", "cell", "output", "id"?}                       an output as nbformat has it; its display id
    {"op": "update", "id", "data", "metadata"}                      every display of that id
    {"op": "clear", "cell", "wait"}
    {"op": "cut", "cell", "bytes", "file"}                          so many bytes so far are not in the record
    {"op": "end", "cell", "at", "seconds", "status"}                `completed`, `failed`, `killed`, `skipped`
    {"op": "widgets", "widgets"?, "cut"?}                           the last state of all widgets, or that it was too much
    {"op": "finish", "at", "seconds", "state", "reason", "message"}

`cell` counts from 0 in the record. Times (`at`) are milliseconds since 1970. Every text is redacted before it is here. A second
`start` is a later attempt: what stands before it is history. `fold` makes the record of it, in `brignb.engine.record`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from brignb.engine.record import fold

__all__ = ["decode", "encode", "fold"]

_START = b'{"op":"start"'


def encode(entry: Mapping[str, Any]) -> bytes:
    """One entry as it is kept, newline included."""
    return json.dumps(entry, separators=(",", ":")).encode() + b"\n"


def decode(data: bytes) -> list[dict[str, Any]]:
    """Kept entries, without what a killed writer tore: its last line, and that line's rest when a later attempt went on in it."""
    entries = []
    for line in data.split(b"\n"):
        entry = _entry(line)
        if entry is None:
            entry = _entry(line[line.rfind(_START) :]) if _START in line else None
        if entry is not None:
            entries.append(entry)
    return entries


def _entry(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:  # a torn line, or the nothing after the last newline
        return None
    return entry if isinstance(entry, dict) and "op" in entry else None
