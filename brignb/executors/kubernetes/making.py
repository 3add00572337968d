"""A job's objects, made in the cluster: create, or adopt what an earlier process of ours has made under the same name.

What must never happen: a second pod for one job; a Secret left behind when its pod was refused.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
from dataclasses import dataclass
from typing import Any, Final

from brignb.cluster.connection import ApiError, Connection
from brignb.cluster.objects import create, delete, refusal
from brignb.cluster.paths import path
from brignb.errors import BrignbError, JobRefused, Unreachable
from brignb.executors.kubernetes import belongings
from brignb.executors.kubernetes.fate import main_status
from brignb.executors.kubernetes.naming import MAIN, labels, nonce_of
from brignb.executors.kubernetes.pod import pod
from brignb.executors.kubernetes.settings import Settings
from brignb.model.jobs import JobSpec

MERGE_PATCH: Final = "application/merge-patch+json"
_NOT_FOUND: Final = 404


_log = logging.getLogger(__name__)


class NotMade(BrignbError):
    """The cluster will not have it now.

    Args:
        reason: `quota`, `admission`, `forbidden`, `unreachable`: the job's.
        message: The cluster's words.
    """

    code = "not_made"

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Made:
    """A job's pod.

    Args:
        pod: As it was made, or found.
        nonce: Marks its wrapper's last lines; None: it has no wrapper.
        waits: Whether its wrapper waits for a word.
        adopted: Whether it was there already.
    """

    pod: dict[str, Any]
    nonce: str | None
    waits: bool
    adopted: bool


async def make(
    connection: Connection, namespace: str, spec: JobSpec, settings: Settings, *, waits: bool, again: bool = False
) -> Made:
    """Make the job's Secret, claims and pod, or find them.

    Args:
        connection: To the cluster.
        namespace: Of the objects.
        spec: Without refusals.
        settings: The operator's.
        waits: Whether the wrapper is to wait for a word on its stdin.
        again: Whether it was made before: it is found, or not made.

    Raises:
        JobRefused: The cluster says that it is wrong.
        NotMade: The cluster says that it may be right, but; or somebody has deleted it.
    """
    nonce, waits = secrets.token_hex(16), waits and bool(spec.tasks)
    try:
        if again:
            return await _found(connection, namespace, spec, settings)
        if found := await _belongings(connection, namespace, spec, settings, nonce=nonce, waits=waits):
            return found
        manifest = pod(spec, settings, nonce=nonce, waits=waits)
        made = await create(connection, path(namespace, "pods"), manifest)
    except ApiError as error:
        with contextlib.suppress(BrignbError):
            await delete(connection, path(namespace, "secrets", spec.id))
        raise _because(error, spec, namespace) from error
    except Unreachable as error:
        raise NotMade("unreachable", error.message) from error
    if made is None:
        return await _found(connection, namespace, spec, settings)
    return Made(made, nonce if spec.tasks else None, waits, adopted=False)


async def _found(connection: Connection, namespace: str, spec: JobSpec, settings: Settings) -> Made:
    found = await find(connection, namespace, spec, settings)
    if found is None:
        raise NotMade("deleted", "somebody deleted its pod")
    return found


async def bequeath(connection: Connection, namespace: str, made: dict[str, Any]) -> None:
    """Let the Secret go with its pod. Where that fails it stays, and the job runs."""
    name = made["metadata"]["name"]
    try:
        await connection.ask("PATCH", path(namespace, "secrets", name), belongings.owned_by(made), kind=MERGE_PATCH)
    except BrignbError as error:
        if not (
            isinstance(error, ApiError) and error.status == _NOT_FOUND
        ):  # a job without tasks and variables has none
            _log.info("the Secret of %s will stay: %s", name, error)


async def delete_pod(connection: Connection, namespace: str, name: str, *, grace: int) -> None:
    """Tell the cluster to end and forget a pod; that it is not there is fine.

    Raises:
        BrignbError: The cluster is away for too long, or forbids it.
    """
    await delete(connection, path(namespace, "pods", name), {"gracePeriodSeconds": grace})


async def _belongings(
    connection: Connection, namespace: str, spec: JobSpec, settings: Settings, *, nonce: str, waits: bool
) -> Made | None:
    """Make what the pod will want; answers the pod, if the Secret tells that there may be one, and there is."""
    manifest = belongings.secret(spec, settings, nonce=nonce, waits=waits)
    where = path(namespace, "secrets")
    if manifest and await create(connection, where, manifest) is None:
        if found := await find(connection, namespace, spec, settings):
            return found
        await delete(connection, path(namespace, "secrets", spec.id))
        await create(connection, where, manifest)
    for claim in belongings.claims(spec, settings):
        await create(connection, path(namespace, "persistentvolumeclaims"), claim)
    return None


async def find(connection: Connection, namespace: str, spec: JobSpec, settings: Settings) -> Made | None:
    """The job's pod, which an earlier process of ours has made; None: it is not there.

    Raises:
        JobRefused: A pod of that name is another job's.
        BrignbError: The cluster does not say.
    """
    try:
        found = await connection.ask("GET", path(namespace, "pods", spec.id))
    except ApiError as error:
        if error.status == _NOT_FOUND:
            return None
        raise
    theirs = found["metadata"].get("labels", {})
    if any(theirs.get(name) != value for name, value in labels(spec, settings.server).items()):
        raise JobRefused(name=spec.name, job_id=spec.id, reason=f"pod {spec.id} is there already and is not this job's")
    main = next(each for each in found["spec"]["containers"] if each["name"] == MAIN)
    waits = bool(main.get("stdin")) and not main_status(found).get("state", {}).get("terminated")
    return Made(found, nonce_of(found) if spec.tasks else None, waits, adopted=True)


def _because(error: ApiError, spec: JobSpec, namespace: str) -> BrignbError:
    reason, words = refusal(error), error.message
    if reason == "invalid":
        return JobRefused(name=spec.name, job_id=spec.id, reason=words)
    if reason == "namespace":
        return JobRefused(name=spec.name, job_id=spec.id, reason=f"there is no namespace {namespace}: {words}")
    return NotMade(reason, words)
