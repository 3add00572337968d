"""Builds: the queue, the state machine and its fences.

Every change of state goes through `_move`, which lets pass only what `TRANSITIONS` has. A worker's words carry its attempt, and
change nothing once that attempt is over. Statements only: each function takes a connection that is in a transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Update, and_, func, not_, or_, select, true, update

from brignb.model.builds import TRANSITIONS, Build, Outcome, State
from brignb.store import jobs, pages
from brignb.store.rows import BUILD, build_of, storable
from brignb.store.seam import Lease, Page, Wanted
from brignb.store.tables import builds, events, notebooks
from brignb.store.telling import tell

_BOTH: Final = builds.join(events, builds.c.event_id == events.c.id)
JOINED: Final = select(*BUILD).select_from(_BOTH)
"""Builds with what is told of their events."""
_NOBODY: Final = dict.fromkeys(("holder", "lease_until"))


def _move(to: State) -> Update:
    """An UPDATE of builds that may become `to`; the others it does not see."""
    may = [str(state) for state, following in TRANSITIONS.items() if to in following]
    return update(builds).where(builds.c.state.in_(may)).values(state=str(to))


def get(connection: Connection, build_id: str) -> Build | None:
    """One, with its jobs."""
    row = connection.execute(JOINED.where(builds.c.id == build_id)).one_or_none()
    return build_of(row, jobs.of(connection, [row.id]).get(row.id, ())) if row else None


def notebook(connection: Connection, build_id: str) -> bytes | None:
    """The one that it was given."""
    return connection.scalar(select(notebooks.c.content).where(notebooks.c.build_id == build_id))


def listed(
    connection: Connection, *, project: str | None, state: State | None, limit: int, cursor: str | None
) -> Page[Build]:
    """A page, its jobs fetched at once."""
    statement = JOINED
    if project is not None:
        statement = statement.where(builds.c.project == project)
    if state is not None:
        statement = statement.where(builds.c.state == str(state))
    rows, following = pages.cut(connection.execute(pages.paged(statement, limit=limit, cursor=cursor)).all(), limit)
    theirs = jobs.of(connection, [row.id for row in rows])
    return Page(tuple(build_of(row, theirs.get(row.id, ())) for row in rows), following)


def counts(connection: Connection) -> Mapping[State, int]:
    """How many are in each state, zeros too."""
    found = connection.execute(select(builds.c.state, func.count()).group_by(builds.c.state))
    return {**dict.fromkeys(State, 0), **{State(state): number for state, number in found}}


def claim(
    connection: Connection,
    *,
    at: int,
    limit: int,
    only: Wanted | None,
    but: Sequence[Wanted],
    before: int | None,
    lease: Lease | None,
) -> tuple[Build, ...]:
    """The oldest pending ones, running from now on."""
    waiting = select(builds.c.id).where(builds.c.state == str(State.PENDING)).order_by(builds.c.seq).limit(limit)
    if before is not None:
        waiting = waiting.where(builds.c.created_at < before)
    if only is not None or but:  # else events need not be looked at
        chosen = [_wanted(only)] if only is not None else []
        waiting = waiting.select_from(_BOTH).where(*chosen, *(not_(_wanted(each)) for each in but))
    ids = connection.scalars(
        waiting.with_for_update(skip_locked=True, of=builds)
    ).all()  # SQLite has one writer and ignores it
    if not ids:
        return ()
    held = {"holder": lease.holder, "lease_until": lease.until} if lease else {}
    connection.execute(_move(State.RUNNING).where(builds.c.id.in_(ids)).values(started_at=at, **held))
    rows = connection.execute(JOINED.where(builds.c.id.in_(ids)).order_by(builds.c.seq)).all()
    theirs = jobs.of(connection, ids)
    return tuple(build_of(row, theirs.get(row.id, ())) for row in rows)


def _wanted(wanted: Wanted) -> ColumnElement[bool]:
    """The same as `Event.matches`, in SQL."""
    ours = builds.c.project == wanted.project
    if not wanted.types or "*" in wanted.types:
        return ours
    heads = [f"{each}:" for each in wanted.types if ":" not in each]
    parts = [func.substr(events.c.type, 1, len(head)) == head for head in heads]  # not LIKE, which may ignore case
    return and_(ours, or_(events.c.type.in_(wanted.types), *parts))


def note(connection: Connection, /, build_id: str, *, attempt: int, **values: Any) -> bool:
    """Facts about a running attempt."""
    current = update(builds).where(builds.c.id == build_id, builds.c.attempt == attempt)
    return connection.execute(current.where(builds.c.state == str(State.RUNNING)).values(**values)).rowcount > 0


def note_first_cell(connection: Connection, build_id: str, *, attempt: int, at: int) -> bool:
    """The first note stays."""
    return note(connection, build_id, attempt=attempt, first_cell_at=func.coalesce(builds.c.first_cell_at, at))


def finish(connection: Connection, build_id: str, *, attempt: int, outcome: Outcome, at: int) -> bool:
    """To a terminal state, its unfinished jobs with it."""
    reason, message = storable(outcome.reason), storable(outcome.message)
    ended = _move(outcome.state).where(builds.c.id == build_id, builds.c.attempt == attempt)
    if not connection.execute(ended.values(finished_at=at, reason=reason, message=message, **_NOBODY)).rowcount:
        return False
    jobs.end(connection, build_id, state=outcome.state, at=at)
    return True


def requeue(connection: Connection, build_id: str, *, attempt: int, lost: bool) -> bool:
    """Back to its old place in the queue. The commit is resolved anew: the ref may have moved, and trust is asked again."""
    fresh = dict.fromkeys(("resolved_commit", "started_at", "first_cell_at", "tier")) | _NOBODY
    again = _move(State.PENDING).where(builds.c.id == build_id, builds.c.attempt == attempt)
    again = again.values(**fresh, attempt=attempt + 1, losses=builds.c.losses + int(lost))
    if not connection.execute(again).rowcount:
        return False
    jobs.end(connection, build_id, state=State.LOST, at=None)
    tell(connection, "pending")
    return True


def cancel(connection: Connection, build_id: str, *, at: int) -> Build | None:
    """What waits ends here; what runs is asked to."""
    one = builds.c.id == build_id
    waiting = _move(State.CANCELED).where(one, builds.c.state == str(State.PENDING))
    if not connection.execute(waiting.values(finished_at=at, reason="canceled")).rowcount:
        running = update(builds).where(one, builds.c.state == str(State.RUNNING))
        connection.execute(running.values(cancel_requested=true()))
    return get(connection, build_id)
