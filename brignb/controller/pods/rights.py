"""What the controller may do in its namespace where workers are pods, in one list: a Role is made of it."""

from __future__ import annotations

from typing import Final

from brignb.executors.kubernetes.rights import Rights

RIGHTS: Final[Rights] = (
    ("pods", ("create", "get", "list", "watch", "delete"), "a worker is a pod; one watch hears of all of them"),
    ("secrets", ("create", "list", "patch", "delete"), "what a worker knows; it goes with its pod, also after a kill"),
)
"""Resource, verbs, and what for."""
