"""`builds`: the server's builds, newest first, asked for each time they are shown."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from brignb.errors import BrignbError
from brignb.magics.asking import connected
from brignb.model.times import parse_rfc3339
from brignb.script.markup import code, escaped, moment, quiet, span, state, state_text, table, unbroken
from brignb.script.tail import plain

_HEADER: Final = ("build", "project", "event", "state", "created", "took")


class Builds:
    """See the module.

    Args:
        query: What is asked.
        server: Its address; None: the one that runs here.
    """

    def __init__(self, query: Mapping[str, Any], server: str | None) -> None:
        self._query = query
        self._server = server
        self._items = self._ask()

    def _ask(self) -> list[dict[str, Any]]:
        with connected(self._server) as client:
            return list(client.builds(**self._query)["items"])

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """As they were when they were last shown."""
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        rows = [_HEADER, *map(_texts, self._items)]
        if len(rows) == 1:
            return "no builds"
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join(lines)

    def _repr_mimebundle_(self, **_asked: Any) -> dict[str, str]:
        note = ""
        try:
            self._items = self._ask()
        except BrignbError as error:
            note = f"as they were; {error.where}: {error.message}"
        rows = [_cells(each) for each in self._items]
        html = table(_HEADER, rows) if rows else quiet("no builds")
        text = f"{self!r}\n{plain(note)}" if note else repr(self)
        return {"text/plain": text, "text/html": html + (f"<div>{quiet(note)}</div>" if note else "")}


def builds(
    *, state: str | None = None, project: str | None = None, limit: int = 20, server: str | None = None
) -> Builds:
    """The server's builds; `%brig builds` is this.

    Args:
        state: Only those that are in it.
        project: Only its builds.
        limit: How many.
        server: Its address; None: the one that runs here.

    Raises:
        BadInput: No such state.
        NotFound: No such project.
        Unreachable: No server answers.
    """
    return Builds({"state": state, "project": project, "limit": limit}, server)


def took(thing: Mapping[str, Any], now_ms: int | None = None) -> float | None:
    """Seconds from start to end, so far when it runs; None before its start."""
    if not thing["started_at"]:
        return None
    end = parse_rfc3339(thing["finished_at"]) if thing["finished_at"] else now_ms or time.time_ns() // 1_000_000
    return max(end - parse_rfc3339(thing["started_at"]), 0) / 1000


def _took(build: Mapping[str, Any]) -> str:
    seconds = took(build)
    return "" if seconds is None else span(seconds)


def _because(build: Mapping[str, Any]) -> str:
    return f" ({build['reason']})" if build["reason"] else ""


def _texts(build: Mapping[str, Any]) -> tuple[str, ...]:
    created = moment(parse_rfc3339(build["created_at"]))
    how = f"{state_text(build['state'])}{_because(build)}"
    return tuple(map(plain, (build["id"], build["project"], build["event"]["type"], how, created, _took(build))))


def _cells(build: Mapping[str, Any]) -> tuple[str, ...]:
    created = moment(parse_rfc3339(build["created_at"]))
    return (
        code(build["id"]),
        escaped(build["project"]),
        code(build["event"]["type"]),
        f"{state(build['state'])}{quiet(_because(build))}",
        unbroken(created),
        unbroken(_took(build)),
    )
