"""A worker pod and its Secret, made in the cluster: created, or adopted when a controller that was killed has made them.

What must never happen: a Secret without a pod that stays.
"""

from __future__ import annotations

import contextlib
import logging

from brignb.cluster.connection import ApiError
from brignb.cluster.objects import create, delete
from brignb.cluster.paths import path
from brignb.controller.pods.naming import Object, selector
from brignb.controller.pods.settings import Ground
from brignb.errors import BrignbError
from brignb.executors.kubernetes.belongings import owned_by
from brignb.executors.kubernetes.making import MERGE_PATCH

log = logging.getLogger(__name__)

_NOT_FOUND = 404


async def make(ground: Ground, secret: Object, pod: Object) -> Object:
    """Both, the Secret first: a node that finds none waits before it looks again.

    Returns:
        The pod as it was made, or found.

    Raises:
        ApiError: The cluster will not have it; nothing is left of it.
        Unreachable: The cluster is away for too long.
        Refused: It does not take our credentials.
    """
    connection, name = ground.connection, pod["metadata"]["name"]
    pods, secrets = path(ground.namespace, "pods"), path(ground.namespace, "secrets")
    if await create(connection, secrets, secret) is None:
        if (found := await _found(ground, name)) is not None:
            return found
        await delete(connection, f"{secrets}/{name}")  # it may hold what a project's secrets were
        await create(connection, secrets, secret)
    try:
        made = await create(connection, pods, pod) or await _found(ground, name)
    except ApiError:
        with contextlib.suppress(BrignbError):
            await delete(connection, f"{secrets}/{name}")
        raise
    if made is None:
        raise ApiError(_NOT_FOUND, "NotFound", "somebody deleted the pod while it was being made")
    return made


async def bequeath(ground: Ground, pod: Object) -> None:
    """Let the Secret go with its pod; where that fails, `sweep` does. It may have gone, when the pod has."""
    name = pod["metadata"]["name"]
    where = path(ground.namespace, "secrets", name)
    try:
        await ground.connection.ask("PATCH", where, owned_by(pod), kind=MERGE_PATCH)
    except BrignbError as error:
        if not (isinstance(error, ApiError) and error.status == _NOT_FOUND):
            log.warning("the Secret of %s stays until the next start: %s", name, error)


async def forget(ground: Ground, name: str, *, grace: int | None = None) -> None:
    """Have a pod deleted, in its own grace or a shorter one; its Secret goes with it."""
    options = None if grace is None else {"gracePeriodSeconds": grace}
    try:
        await delete(ground.connection, path(ground.namespace, "pods", name), options)
    except BrignbError as error:
        log.warning("worker pod %s cannot be deleted: %s; it is tried again", name, error)


async def sweep(ground: Ground) -> None:
    """Secrets whose pod was not made, or which were not bequeathed before a controller was killed: they go, or are."""
    secrets = path(ground.namespace, "secrets")
    answer = await ground.connection.ask("GET", secrets, labelSelector=selector(ground.settings.mark))
    for secret in answer["items"]:
        name = secret["metadata"]["name"]
        if secret["metadata"].get("ownerReferences"):
            continue
        if (pod := await _found(ground, name)) is not None:
            await bequeath(ground, pod)
        else:
            await delete(ground.connection, f"{secrets}/{name}")


async def _found(ground: Ground, name: str) -> Object | None:
    try:
        return await ground.connection.ask("GET", path(ground.namespace, "pods", name))
    except ApiError as error:
        if error.status == _NOT_FOUND:
            return None
        raise
