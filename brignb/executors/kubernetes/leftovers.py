"""What a server's jobs have in the cluster, by the marks on it: whoever knows which builds run can tell what is left over.

    pods, Secrets, claims for storage ──marked as this server's──▶ Found(build, attempt) ──▶ taken away

Caches are kept between builds and are none of it. What must never happen: an object of another server or of a person in the list.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from brignb.cluster.connection import ApiError, Connection
from brignb.cluster.paths import path
from brignb.executors.kubernetes.naming import MANAGED_BY, SERVER

RIGHTS: Final[tuple[tuple[str, tuple[str, ...], str], ...]] = (
    ("pods", ("list", "delete"), "pods of builds that are over"),
    ("secrets", ("list", "delete"), "of a job whose pod was never made; with a pod its Secret goes by itself"),
    ("persistentvolumeclaims", ("list", "delete"), "the storage that the jobs of a build shared"),
)
"""What a sweep takes, besides what jobs need: resource, verbs, and what for."""

_KINDS: Final = {"pods": "job", "secrets": "job", "persistentvolumeclaims": "buildStorage"}
_PAGE: Final = 500
_AT_ONCE: Final = 8
_NOT_FOUND: Final = 404


@dataclass(frozen=True, slots=True)
class Found:
    """An object of a job.

    Args:
        kind: `pods`, `secrets`, `persistentvolumeclaims`.
        build_id: Whose.
        attempt: Of the build.
    """

    kind: str
    namespace: str
    name: str
    build_id: str
    attempt: int


async def found(connection: Connection, namespace: str, server: str) -> list[Found]:
    """What is there of a server's jobs, and is not on its way out already.

    Raises:
        BrignbError: The cluster does not say.
    """
    kinds = await asyncio.gather(*(_listed(connection, namespace, kind, server) for kind in _KINDS))
    return [each for some in kinds for each in some]


async def take_away(connection: Connection, objects: Iterable[Found]) -> None:
    """Delete them; what is gone already is fine.

    Raises:
        BrignbError: The cluster is away, or forbids it.
    """
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(each: Found) -> None:
        options = {"gracePeriodSeconds": 1} if each.kind == "pods" else None
        async with room:
            try:
                await connection.ask("DELETE", path(each.namespace, each.kind, each.name), options)
            except ApiError as error:
                if error.status != _NOT_FOUND:
                    raise

    await asyncio.gather(*map(one, objects))


async def _listed(connection: Connection, namespace: str, kind: str, server: str) -> list[Found]:
    marks = {**MANAGED_BY, "component": _KINDS[kind], SERVER: server}
    asked: dict[str, Any] = {"labelSelector": ",".join(f"{name}={value}" for name, value in marks.items())}
    objects: list[Found] = []
    while True:
        answer = await connection.ask("GET", path(namespace, kind), metadata=True, limit=_PAGE, **asked)
        there = answer["items"] or ()  # of metadata, no list is an empty one
        objects += [_of(kind, each["metadata"]) for each in there if _is_one(each["metadata"])]
        if not (following := answer["metadata"].get("continue")):
            return objects
        asked["continue"] = following


def _is_one(meta: dict[str, Any]) -> bool:
    labels = meta["labels"]
    return "deletionTimestamp" not in meta and "build" in labels and labels.get("attempt", "").isdigit()


def _of(kind: str, meta: dict[str, Any]) -> Found:
    labels = meta["labels"]
    return Found(kind, meta["namespace"], meta["name"], labels["build"].upper(), int(labels["attempt"]))
