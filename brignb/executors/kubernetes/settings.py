"""What whoever runs brignb can set of the Kubernetes executor. Everything has a default that works."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from brignb.cluster.settings import given
from brignb.errors import BadInput
from brignb.model.projects import Project

PREFIX: Final = "BRIGNB_KUBERNETES_"
_PROFILES: Final = ("restricted", "baseline")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """See the module. Where they come from the environment, each is `BRIGNB_KUBERNETES_<NAME>`.

    Args:
        helper_image: Has `sh`, `tar`, `find`, `grep` and `base64`; brings the source, takes the artifacts.
        security: `restricted`: jobs run as a user without rights, under the profile of that name; `baseline`: as their image says.
        uid: That user's number, and its group's.
        pull_grace: Seconds that an image may fail to be pulled, or a container to be made.
        schedule_grace: Seconds that a pod may find no node.
        storage_class: Of the claims for storage and cache; empty: the cluster's default.
        cache_class: Of the claims for caches, where it is another one; None: it is not.
        storage_size: Of a build's storage (Brigade v1's `buildStorageSize`).
        access_mode: Of the claims; jobs of one build may run on several nodes.
        grace: Seconds between SIGTERM and SIGKILL.
        keep_pods: Whether ended pods stay when the executor is closed.
        server: Whose jobs these are, where several servers and people share a namespace: a label; empty: a person's.
    """

    helper_image: str = "busybox:1"
    security: str = "restricted"
    uid: int = 1000
    pull_grace: float = 60.0
    schedule_grace: float = 300.0
    storage_class: str = ""
    cache_class: str | None = None
    storage_size: str = "50Mi"
    access_mode: str = "ReadWriteMany"
    grace: int = 5
    keep_pods: bool = False
    server: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Those that are set there.

        Raises:
            BadInput: One has a value of a wrong type.
        """
        found = cls(**given(cls, PREFIX, environment))
        if found.security not in _PROFILES:
            where = f"${PREFIX}SECURITY"
            raise BadInput(f"{found.security!r:.40} is no profile", where=where, hint="restricted or baseline")
        return found

    def of(self, project: Project) -> Settings:
        """With what a project asks for itself: Brigade v1's size and classes of its claims."""
        size, build, cache = (
            str(project.v1.get(key) or "")
            for key in ("buildStorageSize", "kubernetes.buildStorageClass", "kubernetes.cacheStorageClass")
        )
        caches = self.storage_class if self.cache_class is None else self.cache_class
        return replace(
            self,
            storage_size=size or self.storage_size,
            storage_class=build or self.storage_class,
            cache_class=cache or caches,
        )
