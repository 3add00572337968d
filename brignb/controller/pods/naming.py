"""Names and labels of worker pods. Labels are Brigade v1's where it has them, so that its tools find a build's worker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from brignb.executors.kubernetes.naming import MANAGED_BY, SERVER
from brignb.model.projects import Project

MAIN: Final = "brigade-runner"
"""The worker's container (Brigade v1)."""
OWN: Final = "pod/own"
"""Who holds a build that has a pod of its own: its name follows from build and attempt."""
ATTEMPT: Final = "brignb.dev/attempt"
MADE_OF: Final = "brignb.dev/made-of"
"""What a warm worker was made of, as a digest: one of another make is replaced."""
BUILD: Final = "build"
WARM: Final = "warm-worker"

Object = dict[str, Any]


def cold_name(build_id: str, attempt: int) -> str:
    """Of the pod of one attempt, and of its Secret."""
    return f"brignb-worker-{build_id.lower()}" + (f"-{attempt}" if attempt > 1 else "")


def warm_name(project: Project, random: str) -> str:
    """Of a pod that waits for a project's builds; without Brigade v1's `brigade-` there are 12 digits of the project's id in it."""
    return f"brignb-warm-{project.id.removeprefix('brigade-')[:12]}-{random}"


def holder(name: str) -> str:
    """As whom a warm worker of that name holds its builds."""
    return f"pod/{name}"


def selector(mark: str) -> str:
    """All worker pods of one server, and their Secrets."""
    return f"app.kubernetes.io/managed-by=brignb,component in ({BUILD},{WARM}),{SERVER}={mark}"


def cold_labels(project: Project, build_id: str, attempt: int, mark: str) -> dict[str, str]:
    """Of a pod with a build of its own."""
    return {**_labels(project, BUILD, mark), "build": build_id.lower(), ATTEMPT: str(attempt)}


def warm_labels(project: Project, mark: str) -> dict[str, str]:
    """Of a pod that waits for builds."""
    return _labels(project, WARM, mark)


def attempt_of(labels: Mapping[str, str]) -> tuple[str, int] | None:
    """The build and the attempt that a pod was made for; None: a warm one, or none of ours."""
    attempt = labels.get(ATTEMPT, "")
    if labels.get("component") != BUILD or not attempt.isdecimal():
        return None
    return labels.get("build", "").upper(), int(attempt)


def _labels(project: Project, component: str, mark: str) -> dict[str, str]:
    return {**MANAGED_BY, SERVER: mark, "heritage": "brigade", "component": component, "project": project.id}
