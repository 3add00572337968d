"""Projects written into a cluster and taken out of it, by whoever may: `brignb project … --kube` with the caller's own kubeconfig.

What a server that watches the namespace makes of the Secret is `controller.projectsecrets`' business; an Event on the Secret tells.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from brignb.cluster.connection import ApiError, Connection
from brignb.cluster.paths import path
from brignb.errors import BrignbError, Conflict, NotFound, Refused
from brignb.model import projectobject
from brignb.model.names import project_id
from brignb.model.projects import Project

_RELEASE: Final = "meta.helm.sh/release-name"


class Written(NamedTuple):
    """A project's Secret.

    Args:
        place: `NAMESPACE/NAME`.
        new: It was not there before.
        release: Helm's, whose Secret it is and whose next upgrade writes it again; None: nobody else's.
    """

    place: str
    new: bool
    release: str | None


async def put(connection: Connection, project: Project, namespace: str, *, replace: bool) -> Written:
    """Write a project's Secret.

    Raises:
        Conflict: It is there, and `replace` is false; or somebody changes it at the same time.
        NotFound: There is no such namespace.
        Refused: The caller may not.
        BrignbError: The cluster does not take it, or cannot be reached.
    """
    made = projectobject.written(project, namespace)
    place = f"{namespace}/{project.id}"
    there = await _there(connection, namespace, project.id) if replace else None
    try:
        if there is None:
            await connection.ask("POST", path(namespace, "secrets"), made)
        else:
            await connection.ask("PUT", path(namespace, "secrets", project.id), _over(there, made))
    except ApiError as error:
        raise _explained(error, namespace, place, project.name) from error
    annotations = (there or made)["metadata"].get("annotations") or {}
    return Written(place, there is None, annotations.get(_RELEASE))


async def remove(connection: Connection, name: str, namespace: str) -> str:
    """Delete a project's Secret, by the project's name; answers `NAMESPACE/NAME`.

    Raises:
        NotFound: There is none, or no such namespace.
        Refused: The caller may not.
        BrignbError: The cluster does not do it, or cannot be reached.
    """
    secret = project_id(name)
    try:
        await connection.ask("DELETE", path(namespace, "secrets", secret))
    except ApiError as error:
        raise _explained(error, namespace, f"{namespace}/{secret}", name) from error
    return f"{namespace}/{secret}"


async def _there(connection: Connection, namespace: str, name: str) -> dict[str, Any] | None:
    try:
        return await connection.ask("GET", path(namespace, "secrets", name))
    except ApiError as error:
        if error.reason == "NotFound":
            return None
        raise _explained(error, namespace, f"{namespace}/{name}", name) from error


def _over(there: dict[str, Any], made: dict[str, Any]) -> dict[str, Any]:
    """Its data all new; what others have put at it stays, and it is refused when it was changed since it was read."""
    metadata = dict(there["metadata"])
    for key in ("labels", "annotations"):
        metadata[key] = {**made["metadata"][key], **(metadata.get(key) or {})}
    metadata["labels"] |= projectobject.LABELS
    metadata["annotations"][projectobject.NAME] = made["metadata"]["annotations"][projectobject.NAME]
    return {**there, "metadata": metadata, "data": made["data"]}


def _explained(error: ApiError, namespace: str, place: str, name: str) -> BrignbError:
    where = f"Secret {place}"
    if error.reason == "AlreadyExists":
        hint = "--replace writes it again; its project keeps its history"
        return Conflict(f"project {name} exists already", where=where, hint=hint)
    if error.reason == "Conflict":
        return Conflict("somebody has changed it at the same time", where=where, hint="look at it, then try again")
    if error.reason == "NotFound" and "namespaces" in str(error.message):
        return NotFound(f"there is no namespace {namespace}", where="--namespace", hint="kubectl get namespaces")
    if error.reason == "NotFound":
        return NotFound(f"there is no project {name}", where=where, hint="kubectl get secrets -l component=project -A")
    if error.reason == "Forbidden":
        return Refused(
            f"not allowed: {error.message}", where=where, hint="ask the cluster's owner, or name another --namespace"
        )
    return BrignbError(f"the cluster does not take it: {error.message}", where=where)
