"""Projects: registered, replaced, forgotten. The secret half is sealed for the project's name.

Statements only: each function takes a connection that is in a transaction.
"""

from __future__ import annotations

import json
from typing import Any, Final

from sqlalchemy import Connection, delete, exists, insert, select, update

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
        "updated_at": at,
    }
    there = connection.scalar(select(exists().where(projects.c.name == project.name)))
    if not there:
        connection.execute(insert(projects).values(name=project.name, id=project.id, created_at=at, **values))
    elif replace:
        connection.execute(update(projects).where(projects.c.name == project.name).values(**values))
    else:
        raise Conflict(
            f"project {project.name} exists already",
            where="project",
            hint="`brignb project create --replace` replaces it and keeps its history",
        )
    tell(connection, "projects")
    return not there


def everything(connection: Connection, sealer: Sealer) -> tuple[Project, ...]:
    """All projects, opened, in order of their names."""
    rows = connection.execute(select(projects.c.name, projects.c.stored, projects.c.sealed).order_by(projects.c.name))
    return tuple(
        Project.from_stored(json.loads(row.stored)).opened(sealer.open(row.sealed, _CONTEXT + row.name)) for row in rows
    )


def remove(connection: Connection, name: str) -> bool:
    """With everything that belongs to it."""
    running = select(builds.c.id).where(builds.c.project == name, builds.c.state == State.RUNNING).limit(1)
    if (build_id := connection.scalar(running)) is not None:
        raise Conflict(
            f"project {name} has a running build, {build_id}",
            where="project",
            hint=f"wait for it, or `brignb build cancel {build_id}`",
        )
    its_events = select(builds.c.event_id).where(builds.c.project == name)
    connection.execute(delete(events).where(events.c.id.in_(its_events)))  # takes builds and jobs along
    connection.execute(delete(deliveries).where(deliveries.c.project == name))
    tell(connection, "projects")
    return connection.execute(delete(projects).where(projects.c.name == name)).rowcount > 0
