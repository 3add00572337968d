"""What whoever runs jobs may do in their namespace, in one list: a Role is made of it, and it is asked for before a build starts."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from brignb.cluster.connection import Connection
from brignb.errors import Refused

Rights = tuple[tuple[str, tuple[str, ...], str], ...]
"""Resource, verbs, and what for."""

RIGHTS: Final[Rights] = (
    ("pods", ("create", "get", "list", "watch", "delete"), "a job is a pod; one watch hears of all of them"),
    ("pods/log", ("get",), "what a job says"),
    ("pods/attach", ("get", "create"), "telling a job to begin, sending the source"),
    ("events", ("list", "watch"), "why a pod does not start"),
    ("secrets", ("create", "patch", "delete"), "its tasks and variables; they go with its pod"),
    ("persistentvolumeclaims", ("create", "delete"), "storage and cache"),
)


def role(name: str, namespace: str, rights: Rights = RIGHTS) -> dict[str, Any]:
    """A Role with these rights."""
    rules = [{"apiGroups": [""], "resources": [resource], "verbs": [*verbs]} for resource, verbs, _ in rights]
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": name, "namespace": namespace},
        "rules": rules,
    }


async def check(connection: Connection, namespace: str, rights: Rights = RIGHTS) -> None:
    """Ask the cluster for each of them.

    Raises:
        Refused: Some are missing.
        Unreachable: The cluster is away.
    """
    asked = [(resource, verb) for resource, verbs, _ in rights for verb in verbs]
    granted = await asyncio.gather(*(_granted(connection, namespace, *each) for each in asked))
    if missing := [f"{verb} {resource}" for (resource, verb), yes in zip(asked, granted, strict=True) if not yes]:
        raise Refused(
            f"namespace {namespace}: not allowed to {', '.join(missing)}",
            where=f"context {connection.place.context}" if connection.place.context else "this pod's account",
            hint="ask the cluster's owner for a Role with these rights, or name another context or namespace",
        )


async def _granted(connection: Connection, namespace: str, resource: str, verb: str) -> bool:
    name, _, sub = resource.partition("/")
    attributes = {"namespace": namespace, "verb": verb, "resource": name, **({"subresource": sub} if sub else {})}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    answer = await connection.ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)
    return bool(answer["status"].get("allowed"))
