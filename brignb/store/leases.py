"""Leases: builds that a holder runs somewhere else, such as in a pod, and until when that one is believed to live.

    claim(lease) ──▶ hold, hold, … ──▶ finish
                         └── silence ──▶ overdue        while somebody was there to hear it (`attend`), and only then

What must never happen: a build that is taken from a living holder since the server was away; one that a dead holder keeps. Clocks of
servers on one database are believed to agree within a second or two, as those of machines that keep time do.

Statements only: each function takes a connection that is in a transaction.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, exists, false, insert, select, update

from brignb.model.builds import Build, State
from brignb.store.builds import JOINED
from brignb.store.rows import build_of
from brignb.store.seam import SILENCE
from brignb.store.tables import builds, meta

_HEARD: Final = "heard"
"""The fact of when holders could be heard last: milliseconds, in decimal digits."""
_HELD: Final = and_(builds.c.state == str(State.RUNNING), builds.c.holder.is_not(None))


def hold(connection: Connection, build_id: str, *, attempt: int, until: int, holder: str | None) -> Build | None:
    """Renew it, unless it was canceled; the build, while it is theirs."""
    theirs: list[ColumnElement[bool]] = [_HELD, builds.c.id == build_id, builds.c.attempt == attempt]
    if holder is not None:
        theirs.append(builds.c.holder == holder)
    renewed = update(builds).where(*theirs, builds.c.cancel_requested == false())
    connection.execute(renewed.values(lease_until=until))
    row = connection.execute(JOINED.where(*theirs)).one_or_none()
    return build_of(row) if row else None


def attend(connection: Connection, *, at: int, until: int) -> None:
    """Note that holders are heard; who could not be heard for long has until then. Without holders nothing is written."""
    if not connection.scalar(select(exists().where(_HELD))):
        return
    heard = _heard(connection)
    if heard is None:
        connection.execute(insert(meta).values(name=_HEARD, value=b"%d" % at))
    elif at > heard:
        connection.execute(update(meta).where(meta.c.name == _HEARD).values(value=b"%d" % at))
    if heard is None or at - heard >= SILENCE:
        connection.execute(update(builds).where(_HELD, builds.c.lease_until < until).values(lease_until=until))


def overdue(connection: Connection, *, at: int) -> tuple[Build, ...]:
    """Whose leases had run out when holders could be heard last."""
    heard = _heard(connection)
    if heard is None:
        return ()
    over = JOINED.where(_HELD, builds.c.lease_until < min(at, heard)).order_by(builds.c.seq)
    return tuple(build_of(row) for row in connection.execute(over))


def _heard(connection: Connection) -> int | None:
    value = connection.scalar(select(meta.c.value).where(meta.c.name == _HEARD))
    return None if value is None else int(value)
