"""Jobs of builds, as their workers tell of them.

Statements only: each function takes a connection that is in a transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import Connection, exists, insert, select, update

from brignb.model.builds import TERMINAL, JobRecord, State
from brignb.store.rows import job_of, job_values
from brignb.store.tables import builds, jobs

_OPEN: Final = jobs.c.state.not_in([str(state) for state in TERMINAL])
_ENDS_WITH_BUILD: Final = frozenset({State.CANCELED, State.TIMED_OUT})


def of(connection: Connection, build_ids: Sequence[str]) -> Mapping[str, tuple[JobRecord, ...]]:
    """The jobs of several builds, in the order in which they were first told of."""
    if not build_ids:
        return {}
    found: defaultdict[str, list[JobRecord]] = defaultdict(list)
    for row in connection.execute(select(jobs).where(jobs.c.build_id.in_(build_ids)).order_by(jobs.c.seq)):
        found[row.build_id].append(job_of(row))
    return {build_id: tuple(its) for build_id, its in found.items()}


def put(connection: Connection, job: JobRecord) -> bool:
    """Insert or update, unless its attempt is over; a terminal state stays."""
    current = exists().where(
        builds.c.id == job.build_id, builds.c.attempt == job.attempt, builds.c.state == str(State.RUNNING)
    )
    if not connection.scalar(select(current)):
        return False
    own = (jobs.c.id == job.id, jobs.c.build_id == job.build_id)
    values = job_values(job)
    if connection.scalar(select(exists().where(*own))):
        connection.execute(update(jobs).where(*own, _OPEN).values(**values))
    else:
        connection.execute(insert(jobs).values(**values))
    return True


def end(connection: Connection, build_id: str, *, state: State, at: int | None) -> None:
    """Its build has ended, or its attempt: what is unfinished was canceled or timed out with it, or else is lost."""
    own = state if state in _ENDS_WITH_BUILD else State.LOST
    ended = update(jobs).where(jobs.c.build_id == build_id, _OPEN)
    connection.execute(ended.values(state=str(own), finished_at=at))
