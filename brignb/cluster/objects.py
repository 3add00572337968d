"""Objects in a cluster: made once, deleted once, however often it has to be said while the API server is away.

What must never happen: an error for what is as it should be (to be made, and there; to be deleted, and gone).
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from brignb.cluster.connection import ApiError, Connection
from brignb.cluster.watching import backoff
from brignb.errors import Unreachable

TRIES: Final = 8
"""Of a request while the cluster is away: about 20 seconds."""
_THERE: Final = "AlreadyExists"
_NOT_FOUND: Final = 404
_CONFLICT: Final = 409
_FORBIDDEN: Final = 403
_INVALID: Final = frozenset({400, 422})


async def create(connection: Connection, where: str, manifest: dict[str, Any]) -> dict[str, Any] | None:
    """Make one.

    Args:
        connection: To the cluster.
        where: `cluster.paths.path` of its kind.
        manifest: What it is to be.

    Returns:
        The object; None: one of that name is there.

    Raises:
        ApiError: The cluster will not have it.
        Unreachable: The cluster is away for too long.
        Refused: It does not take the credentials.
    """
    try:
        return await _insist(connection, "POST", where, manifest)
    except ApiError as error:
        if error.reason == _THERE:
            return None
        raise


async def delete(connection: Connection, where: str, options: dict[str, Any] | None = None) -> None:
    """Have one deleted; that it is not there is fine.

    Args:
        connection: To the cluster.
        where: `cluster.paths.path` of the object.
        options: Kubernetes' `DeleteOptions`; a `preconditions.uid` that is not its own is a `Conflict`.

    Raises:
        ApiError, Unreachable, Refused: As of `create`.
    """
    try:
        await _insist(connection, "DELETE", where, options)
    except ApiError as error:
        if error.status != _NOT_FOUND:
            raise


async def _insist(connection: Connection, method: str, where: str, body: dict[str, Any] | None) -> dict[str, Any]:
    for failures in range(TRIES):
        try:
            return await connection.ask(method, where, body)
        except ApiError as error:
            if not _passes(error) or failures == TRIES - 1:
                raise
        except Unreachable:
            if failures == TRIES - 1:
                raise
        await asyncio.sleep(backoff(failures))
    raise AssertionError("unreachable")  # the last try returns or raises


def _passes(error: ApiError) -> bool:
    """Whether the server, and not the request, is at fault; two requests that count against one quota may collide."""
    collided = error.status == _CONFLICT and "resourcequotas" in error.message
    return collided or error.status in {429, 500, 502, 503, 504}


def refusal(error: ApiError) -> str:
    """Why an object was not made: `invalid`, `namespace`, `quota`, `forbidden`, `admission`, `api`."""
    words = error.message
    if error.status in _INVALID:
        return "invalid"
    if error.status == _NOT_FOUND:
        return "namespace"
    if "exceeded quota" in words or "must specify" in words:
        return "quota"
    if error.status == _FORBIDDEN and " cannot create resource " in words:
        return "forbidden"
    return "admission" if error.status == _FORBIDDEN else "api"
