"""Kubernetes Events: what is said about an object where its owner looks for it (`kubectl describe`, `kubectl get events`)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from brignb.cluster.connection import ApiError, Connection
from brignb.cluster.paths import path
from brignb.model.times import rfc3339

COMPONENT: Final = "brignb"
MESSAGE_MAX: Final = 1024
"""Characters of a message."""


async def remark(
    connection: Connection, about: Mapping[str, Any], reason: str, message: str, *, warning: bool, at: int
) -> None:
    """Say something about an object; said again of the same version of it, it is the same Event.

    Args:
        connection: To the cluster.
        about: `kind`, `namespace`, `name`, and what is known of `uid` and `resourceVersion`.
        reason: One word, CamelCase.
        message: For people, without secrets; cut where Kubernetes takes no more.
        warning: Whether somebody has to do something.
        at: Now, milliseconds.

    Raises:
        ApiError: It is not allowed, or the namespace is going.
        BrignbError: The cluster cannot be reached.
    """
    facts = "\n".join([*(f"{key}={about[key]}" for key in sorted(about)), reason, message])
    when = rfc3339(at)
    event = {
        "metadata": {
            "name": f"{about['name']}.{hashlib.sha256(facts.encode()).hexdigest()[:16]}",
            "namespace": about["namespace"],
        },
        "involvedObject": {"apiVersion": "v1", **about},
        "reason": reason,
        "message": message if len(message) <= MESSAGE_MAX else f"{message[: MESSAGE_MAX - 1]}…",
        "type": "Warning" if warning else "Normal",
        "source": {"component": COMPONENT},
        "firstTimestamp": when,
        "lastTimestamp": when,
        "count": 1,
    }
    try:
        await connection.ask("POST", path(about["namespace"], "events"), event)
    except ApiError as error:
        if error.reason != "AlreadyExists":
            raise
