"""The inbox: events and their builds come in, each delivery once.

Statements only: each function takes a connection that is in a transaction. `accept` does the arrivals of many callers at once,
in a few statements.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, bindparam, delete, insert, select

from brignb.errors import BadInput, NotFound
from brignb.model.builds import State
from brignb.model.events import DedupeKey
from brignb.store import bulk
from brignb.store.rows import document
from brignb.store.seam import Accept, Accepted
from brignb.store.tables import builds, deliveries, events, notebooks, projects
from brignb.store.telling import tell

_PRESENT: Final = select(projects.c.name).where(
    projects.c.name.in_(bindparam("values", expanding=True)), ~projects.c.leaving
)
_KNOWN: Final = select(deliveries).where(deliveries.c.key.in_(bindparam("values", expanding=True)))
_FORGET: Final = delete(deliveries).where(deliveries.c.key.in_(bindparam("values", expanding=True)))

_IN: Final = 1000
"""Values in one IN; databases have a limit."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """An `Accept`, made ready on its caller's side: the writer has only to look and to write.

    Args:
        payload: In UTF-8.
        keys: What the delivery is known by, and until when.
    """

    accept: Accept
    payload: bytes
    keys: tuple[tuple[bytes, int], ...]


def arrival(accept: Accept) -> Arrival:
    """Make ready.

    Raises:
        BadInput: The payload holds a lone surrogate; it is no text that UTF-8 can say.
    """
    try:
        payload = accept.draft.payload.encode()
    except UnicodeEncodeError as error:
        raise BadInput("the payload holds a lone surrogate", where=f"payload, character {error.start}") from None
    keys = tuple((delivery_key(accept, key), accept.at + key.ttl_ms) for key in accept.draft.keys)
    return Arrival(accept, payload, keys)


def delivery_key(accept: Accept, key: DedupeKey) -> bytes:
    """What a delivery is known by: SHA-256 of gateway, project, kind and value (contract, "HTTP": "Seen before")."""
    parts = (accept.draft.gateway, accept.project, key.kind, key.value)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()


def accept(connection: Connection, calls: Sequence[Sequence[Arrival]]) -> list[tuple[Accepted, ...] | Exception]:
    """What several callers bring, each all or none; a project that is not there, or leaving, is its caller's `NotFound`."""
    arrivals = [arrival for call in calls for arrival in call]
    names = {arrival.accept.project for arrival in arrivals}
    present = {row.name for row in _found(connection, _PRESENT, names)}
    intake = _Intake(_found(connection, _KNOWN, {key for arrival in arrivals for key, _ in arrival.keys}))
    answers: list[tuple[Accepted, ...] | Exception] = []
    for call in calls:
        absent = [arrival.accept.project for arrival in call if arrival.accept.project not in present]
        answers.append(_gone(absent[0]) if absent else tuple(intake.take(arrival) for arrival in call))
    intake.write(connection)
    return answers


class _Intake:
    """What a group adds, gathered before it is written.

    Args:
        known: Rows of `deliveries` with the group's keys.
    """

    def __init__(self, known: Iterable[Row[*tuple[Any, ...]]]) -> None:
        self._known = {row.key: (row.event_id, row.build_id, row.expires_at) for row in known}
        self._expired: set[bytes] = set()
        self._events: list[dict[str, Any]] = []
        self._builds: list[dict[str, Any]] = []
        self._notebooks: list[dict[str, Any]] = []
        self._deliveries: dict[bytes, dict[str, Any]] = {}

    def take(self, arrival: Arrival) -> Accepted:
        """A new one is gathered; of one seen before nothing is."""
        accept = arrival.accept
        for key, _ in arrival.keys:
            event_id, build_id, expires_at = self._known.get(key, ("", "", 0))
            if expires_at > accept.at:
                return Accepted(event_id, build_id, duplicate=True)
        self._events.append(_event_values(arrival))
        self._builds.append(_build_values(accept))
        if accept.notebook is not None:
            self._notebooks.append({"build_id": accept.build_id, "content": accept.notebook})
        for key, expires_at in arrival.keys:
            if key in self._known:
                self._expired.add(key)
            self._known[key] = (accept.event_id, accept.build_id, expires_at)
            self._deliveries[key] = {**_delivery_values(accept), "key": key, "expires_at": expires_at}
        return Accepted(accept.event_id, accept.build_id, duplicate=False)

    def write(self, connection: Connection) -> None:
        """All of it, in one statement for each table."""
        for keys in _portions(self._expired):
            connection.execute(_FORGET, {"values": keys})
        bulk.insert(connection, events, self._events)
        bulk.insert(connection, builds, self._builds)
        if self._notebooks:
            connection.execute(insert(notebooks), self._notebooks)
        bulk.insert(connection, deliveries, list(self._deliveries.values()))
        if self._builds:
            tell(connection, "pending")


def _event_values(arrival: Arrival) -> dict[str, Any]:
    accept, draft = arrival.accept, arrival.accept.draft
    return {
        "id": accept.event_id,
        "type": draft.type,
        "source": draft.source,
        "asked_commit": draft.revision.commit,
        "ref": draft.revision.ref,
        "any_commit": draft.any_commit,
        "image": document(draft.image.to_json() if draft.image else None),
        "cause": document(draft.cause),
        "attributes": document(draft.attributes or None),
        "payload": arrival.payload,
    }


def _build_values(accept: Accept) -> dict[str, Any]:
    return {
        "id": accept.build_id,
        "event_id": accept.event_id,
        "project": accept.project,
        "state": str(State.PENDING),
        "created_at": accept.at,
        "given": hashlib.sha256(accept.notebook).hexdigest() if accept.notebook is not None else None,
    }


def _delivery_values(accept: Accept) -> dict[str, Any]:
    return {"project": accept.project, "event_id": accept.event_id, "build_id": accept.build_id}


def _gone(project: str) -> NotFound:
    return NotFound(f"there is no project {project}", where="project")


def _found(
    connection: Connection, statement: Select[*tuple[Any, ...]], values: Iterable[Any]
) -> Iterator[Row[*tuple[Any, ...]]]:
    for portion in _portions(values):
        yield from connection.execute(statement, {"values": portion})


def _portions(values: Iterable[Any]) -> Iterator[list[Any]]:
    listed = list(values)
    for start in range(0, len(listed), _IN):
        yield listed[start : start + _IN]
