"""Between rows and values: which columns make a Build, a JobRecord or an Event, and how."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Row

from brignb.model.builds import Build, JobRecord, State
from brignb.model.events import Event, Image, Revision
from brignb.store.tables import builds, events, jobs

BUILD: Final = (
    builds,
    events.c.type,
    events.c.source,
    events.c.ref,
    events.c.any_commit,
    events.c.asked_commit,
)
"""Columns of a build joined with its event, without the payload."""

EVENT: Final = (
    *(column for column in events.c if column is not events.c.payload),
    builds.c.seq,
    builds.c.project,
    builds.c.id.label("build_id"),
    builds.c.resolved_commit,
)
"""Columns of an event joined with its build, without the payload."""


def build_of(row: Row[*tuple[Any, ...]], its_jobs: tuple[JobRecord, ...] = ()) -> Build:
    """A Build of the columns `BUILD`. The commit resolved for it wins over the one that was asked for."""
    return Build(
        id=row.id,
        project=row.project,
        event_id=row.event_id,
        event_type=row.type,
        event_source=row.source,
        revision=Revision(commit=row.resolved_commit or row.asked_commit, ref=row.ref),
        any_commit=row.any_commit,
        state=State(row.state),
        reason=row.reason,
        message=row.message,
        attempt=row.attempt,
        losses=row.losses,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        first_cell_at=row.first_cell_at,
        tier=row.tier,
        cancel_requested=row.cancel_requested,
        holder=row.holder,
        lease_until=row.lease_until,
        given_notebook=row.given,
        jobs=its_jobs,
    )


def job_of(row: Row[*tuple[Any, ...]]) -> JobRecord:
    """A JobRecord of the columns of `jobs`."""
    values = {column.name: getattr(row, column.name) for column in jobs.c if column is not jobs.c.seq}
    return JobRecord(**{**values, "state": State(row.state), "outputs": json.loads(row.outputs or "{}")})


def job_values(job: JobRecord) -> dict[str, Any]:
    """The columns of `jobs` of a JobRecord."""
    values = {column.name: getattr(job, column.name) for column in jobs.c if column is not jobs.c.seq}
    outputs = storable(document(job.outputs)) if job.outputs else None
    texts = {"image": storable(job.image), "reason": storable(job.reason), "outputs": outputs}
    return {**values, "state": str(job.state), **texts}


def event_of(row: Row[*tuple[Any, ...]], payload: bytes = b"") -> Event:
    """An Event of the columns `EVENT`. The commit resolved for its build wins over the one that was asked for."""
    return Event(
        id=row.id,
        type=row.type,
        source=row.source,
        project=row.project,
        build_id=row.build_id,
        payload=payload.decode(),
        revision=Revision(commit=row.resolved_commit or row.asked_commit, ref=row.ref),
        image=Image(**json.loads(row.image)) if row.image else None,
        cause=json.loads(row.cause) if row.cause else None,
        attributes=json.loads(row.attributes) if row.attributes else {},
    )


def document(value: Mapping[str, Any] | None) -> str | None:
    """JSON for a column; None stays NULL."""
    return None if value is None else json.dumps(value, separators=(",", ":"))


def storable(text: str | None) -> str | None:
    """User code's words, as every database takes them: lone surrogates and NUL become U+FFFD.

    An outcome must be noted whatever its message holds.
    """
    return text and text.encode("utf-8", "surrogatepass").decode("utf-8", "replace").replace("\0", "\ufffd")
