"""`inbox`: the server's events, newest first: filter them, look into their payloads, fire them here, run them again there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from brignb.client import Client
from brignb.errors import BrignbError
from brignb.magics.asking import connected, stored_event
from brignb.magics.showing import show
from brignb.model.events import Event
from brignb.model.names import id_time_ms
from brignb.script.firing import Firing
from brignb.script.markup import code, escaped, moment, quiet, state, state_text, table, unbroken
from brignb.script.registry import events
from brignb.script.tail import plain

SCANNED_MAX: Final = 2000
"""Events that are looked through for those of a type."""
_PAGE: Final = 200
_HEADER: Final = ("event", "type", "from", "project", "build", "at")


@dataclass(frozen=True, slots=True)
class Entry:
    """An event without its payload, and how its build is; empty when that is not known."""

    event: Event
    state: str

    @property
    def at(self) -> int:
        """When it came, milliseconds since 1970."""
        return id_time_ms(self.event.id)

    @property
    def words(self) -> tuple[str, ...]:
        """What a filter looks into."""
        event = self.event
        return event.id, event.type, event.source, event.project, self.state, event.build_id


class Inbox:
    """See the module.

    Args:
        kind: Only events that a handler of this type would answer; None: all.
        project: Only this project's; None: all.
        limit: How many.
        server: Its address; None: the one that runs here.
    """

    def __init__(self, kind: str | None, project: str | None, limit: int, server: str | None) -> None:
        self._kind = kind
        self._project = project
        self._limit = limit
        self._server = server
        self.entries: tuple[Entry, ...] = ()
        self.refresh()

    def refresh(self) -> None:
        """Ask the server again.

        Raises:
            NotFound: No such project.
            Unreachable: No server answers.
        """
        with connected(self._server) as client:
            found = islice(
                (each for each in self._all(client) if self._kind is None or each.matches(self._kind)), self._limit
            )
            wanted = list(found)
            states = self._states(client, wanted)
        self.entries = tuple(Entry(each, states.get(each.build_id, "")) for each in wanted)

    def event(self, event_id: str) -> Event:
        """One, with its payload."""
        with connected(self._server) as client:
            return stored_event(client, event_id)

    def fire(self, event_id: str) -> Firing:
        """What runs the handlers here for one of them."""
        return events.replay(self.event(event_id))

    def rerun(self, event: Event) -> str:
        """Have the server run it again; answers the new build's id."""
        with connected(self._server) as client:
            return str(client.rerun(event.build_id)["build"])

    def matching(self, words: str) -> list[Entry]:
        """Those in which every word is found somewhere."""
        wanted = words.lower().split()
        return [e for e in self.entries if all(any(word in text.lower() for text in e.words) for word in wanted)]

    def _all(self, client: Client) -> Iterator[Event]:
        cursor, seen = None, 0
        while seen < SCANNED_MAX:
            page = client.events(project=self._project, limit=_PAGE, cursor=cursor)
            yield from (Event.from_json({"payload": "", **each}) for each in page["items"])
            seen, cursor = seen + len(page["items"]), page["next"]
            if cursor is None:
                return

    def _states(self, client: Client, wanted: list[Event]) -> dict[str, str]:
        """How the newest builds are, by id; older ones are not asked for one by one."""
        page = client.builds(project=self._project, limit=max(_PAGE, len(wanted)))
        return {each["id"]: each["state"] for each in page["items"]}

    def __len__(self) -> int:
        return len(self.entries)

    def __repr__(self) -> str:
        if not self.entries:
            return f"no events{f' of type {self._kind}' if self._kind else ''}"
        rows = [_HEADER, *map(_texts, self.entries)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join(
            [*lines, "fire one here: %brig fire --event ID; run one again there: brignb build rerun BUILD"]
        )

    def _repr_mimebundle_(self, **_asked: Any) -> dict[str, str]:
        return self._still(self._refreshed())

    def _ipython_display_(self) -> None:
        note = self._refreshed()
        show(self._still(note), lambda: self._live(note))

    def _refreshed(self) -> str:
        """Ask again; answers why it is as it was, when nobody answered."""
        try:
            self.refresh()
        except BrignbError as error:
            return f"as it was; {error.where}: {error.message}"
        return ""

    def _still(self, note: str) -> dict[str, str]:
        rows = [_cells(each) for each in self.entries]
        html = (table(_HEADER, rows) if rows else quiet(repr(self))) + (f"<div>{quiet(note)}</div>" if note else "")
        return {"text/plain": plain("\n".join(filter(None, (repr(self), note)))), "text/html": html}

    def _live(self, note: str) -> Any:
        from brignb.magics.inboxview import live  # noqa: PLC0415 - only a front end with widgets needs them

        return live(self, note)


def inbox(kind: str | None = None, *, project: str | None = None, limit: int = 50, server: str | None = None) -> Inbox:
    """The server's events; `%brig inbox` is this.

    Args:
        kind: Only those that a handler for this type would answer.
        project: Only this project's.
        limit: How many.
        server: Its address; None: the one that runs here.

    Raises:
        NotFound: No such project.
        Unreachable: No server answers.
    """
    return Inbox(kind, project, limit, server)


def _texts(entry: Entry) -> tuple[str, ...]:
    event = entry.event
    how = state_text(entry.state) if entry.state else ""
    return tuple(map(plain, (event.id, event.type, event.source, event.project, how, moment(entry.at))))


def _cells(entry: Entry) -> tuple[str, ...]:
    event = entry.event
    how = state(entry.state) if entry.state else ""
    when = unbroken(moment(entry.at))
    return code(event.id), code(event.type), escaped(event.source), escaped(event.project), how, when
