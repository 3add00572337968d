"""Projects: registered, replaced, forgotten. The secret half is sealed for the project's name.

Statements only: each function takes a connection that is in a transaction.
"""

from __future__ import annotations

import json
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select, update

from brignb.errors import Conflict
from brignb.model.builds import State
from brignb.model.projects import Project
from brignb.store.sealing import Sealer
from brignb.store.tables import builds, deliveries, events, projects
from brignb.store.telling import tell

_CONTEXT: Final = "project "


def put(connection: Connection, project: Project, sealer: Sealer, *, at: int, replace: bool) -> bool:
    """Insert, or replace the row of that name; its history refers to the name and stays."""
    values: dict[str, Any] = {
        "stored": json.dumps(project.stored()),
        "sealed": sealer.seal(project.sealed(), _CONTEXT + project.name),
        "leaving": project.leaving,
        "updated_at": at,
    }
    there = connection.scalar(select(projects.c.stored).where(projects.c.name == project.name))
    if there is None:
        connection.execute(insert(projects).values(name=project.name, id=project.id, created_at=at, **values))
        tell(connection, "projects")
        return True
    known = Project.from_stored(json.loads(there))
    if known.kept_in != project.kept_in:
        raise _kept_elsewhere(known)
    if not replace:
        raise Conflict(
            f"project {project.name} exists already",
            where="project",
            hint="`brignb project create --replace` replaces it and keeps its history",
        )
    connection.execute(update(projects).where(projects.c.name == project.name).values(**values))
    tell(connection, "projects")
    return False


def _kept_elsewhere(known: Project) -> Conflict:
    """A project has one place where it is kept: two would undo each other's changes."""
    if known.kept_in is None:
        return Conflict(
            f"project {known.name} was registered by the API, and no Secret takes it over",
            where="project",
            hint=f"`brignb project delete {known.name}` forgets that one and its history",
        )
    return Conflict(
        f"project {known.name} is kept in the Secret {known.kept_in}/{known.id}",
        where="project",
        hint="change or delete that: `brignb project create --kube --replace`, `brignb project delete --kube`, helm or kubectl",
    )


def everything(connection: Connection, sealer: Sealer) -> tuple[Project, ...]:
    """All projects, opened, in order of their names."""
    rows = connection.execute(select(projects.c.name, projects.c.stored, projects.c.sealed).order_by(projects.c.name))
    return tuple(
        Project.from_stored(json.loads(row.stored)).opened(sealer.open(row.sealed, _CONTEXT + row.name)) for row in rows
    )


def remove(connection: Connection, name: str, *, kept_in: str | None) -> tuple[str, ...] | None:
    """With everything that belongs to it."""
    there = connection.scalar(select(projects.c.stored).where(projects.c.name == name))
    if there is None:
        return None
    known = Project.from_stored(json.loads(there))
    if known.kept_in != kept_in:
        raise _kept_elsewhere(known)
    its_builds = select(builds.c.id).where(builds.c.project == name)
    if (build_id := connection.scalar(its_builds.where(builds.c.state == State.RUNNING).limit(1))) is not None:
        raise Conflict(
            f"project {name} has a running build, {build_id}",
            where="project",
            hint=f"wait for it, or `brignb build cancel {build_id}`",
        )
    gone = tuple(connection.scalars(its_builds))
    its_events = select(builds.c.event_id).where(builds.c.project == name)
    connection.execute(delete(events).where(events.c.id.in_(its_events)))  # takes builds and jobs along
    connection.execute(delete(deliveries).where(deliveries.c.project == name))
    connection.execute(delete(projects).where(projects.c.name == name))
    tell(connection, "projects")
    return gone
