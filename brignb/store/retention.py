"""What is forgotten: builds that ended long ago, and deliveries whose time is over.

Bounded: one call takes a portion, so that those who wait for the writer wait for no more than that. Statements only: each function
takes a connection that is in a transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, delete, false, func, or_, select

from brignb.store.tables import builds, deliveries, events

PORTION: Final = 200
"""Builds forgotten by one call."""

KEYS: Final = 5000
"""Delivery keys forgotten by one call."""


def victims(connection: Connection, *, at: int, keep_ms: int | None, keep_builds: int | None) -> list[str]:
    """Ids of builds that are too old, or too many of their project, oldest first; at most one more than a portion.

    Only ended ones count, and those stay as they are: what was read here is still right when it is removed later.
    """
    rank = func.row_number().over(partition_by=builds.c.project, order_by=builds.c.seq.desc())
    ended = (
        select(builds.c.id, builds.c.seq, builds.c.finished_at, rank.label("rank"))
        .where(builds.c.finished_at.is_not(None))
        .subquery()
    )
    too_old = ended.c.finished_at < at - keep_ms if keep_ms is not None else false()
    too_many = ended.c.rank > keep_builds if keep_builds is not None else false()
    found = select(ended.c.id).where(or_(too_old, too_many)).order_by(ended.c.seq).limit(PORTION + 1)
    return list(connection.scalars(found))


def remove(connection: Connection, build_ids: Sequence[str], *, at: int) -> int:
    """Builds, with their events and jobs, and delivery keys whose time is over; answers how many keys went."""
    theirs = select(builds.c.event_id).where(builds.c.id.in_(build_ids))
    connection.execute(delete(events).where(events.c.id.in_(theirs)))
    over = select(deliveries.c.key).where(deliveries.c.expires_at <= at).limit(KEYS)
    return connection.execute(delete(deliveries).where(deliveries.c.key.in_(over))).rowcount
