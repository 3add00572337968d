"""What a worker in a pod is offered: a build, and what it takes to run it and to tell of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from brignb.controller.preparing import Prepared, assigned, executor_of
from brignb.controller.site import Site
from brignb.model.assignment import Assignment
from brignb.model.builds import Build
from brignb.model.events import Event
from brignb.model.projects import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """See the module.

    Args:
        assignment: Its folders are the worker's to fill in; `source` is empty, or None where there is none.
        secrets: The project's, in clear text; none for a worker whose pod has them.
        token: For everything that is said of this attempt.
        lease_seconds: From one renewal to the next, at the most.
        seconds: For which the build may run.
        preload: Modules that the project wants imported ahead.
    """

    assignment: Assignment
    secrets: Mapping[str, str] = field(repr=False)
    token: str = field(repr=False)
    lease_seconds: float
    seconds: float
    preload: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """A JSON object; it holds secrets."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        return {**plain, "assignment": self.assignment.to_json(), "secrets": dict(self.secrets)}


def offered(
    site: Site,
    build: Build,
    project: Project,
    prepared: Prepared,
    event: Event,
    *,
    token: str,
    seconds: float,
    cold: bool,
) -> Offer:
    """Made of what was prepared.

    Args:
        site: Knows what runs the jobs.
        build: Held by the worker.
        project: The build's.
        prepared: For it.
        event: Its own.
        token: Of its attempt.
        seconds: Of its lease.
        cold: Whether its pod was made for it, with the project's secrets.
    """
    place = {"source": "" if prepared.commit else None, "builds": "", "work": "", "tier": prepared.tier}
    return Offer(
        assignment=assigned(build, project, prepared, event, executor=executor_of(site, project), **place),
        secrets={} if cold else project.secrets,
        token=token,
        lease_seconds=seconds,
        seconds=float(project.timeout),
        preload=tuple(project.preload),
    )
