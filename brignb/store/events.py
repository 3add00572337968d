"""Events as they are read again. They come in by `inbox` and go by `retention`; nothing changes them.

Statements only: each function takes a connection that is in a transaction.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, select

from brignb.model.events import Event
from brignb.store import pages
from brignb.store.rows import EVENT, event_of
from brignb.store.seam import Page
from brignb.store.tables import builds, events

_JOINED: Final = builds.join(events, builds.c.event_id == events.c.id)


def get(connection: Connection, event_id: str) -> Event | None:
    """One, with its payload."""
    statement = select(*EVENT, events.c.payload).select_from(_JOINED).where(events.c.id == event_id)
    row = connection.execute(statement).one_or_none()
    return event_of(row, row.payload) if row else None


def listed(connection: Connection, *, project: str | None, limit: int, cursor: str | None) -> Page[Event]:
    """A page, payloads left out."""
    statement = select(*EVENT).select_from(_JOINED)
    if project is not None:
        statement = statement.where(builds.c.project == project)
    rows, following = pages.cut(connection.execute(pages.paged(statement, limit=limit, cursor=cursor)).all(), limit)
    return Page(tuple(map(event_of, rows)), following)
