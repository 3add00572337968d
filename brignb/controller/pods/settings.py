"""What whoever runs brignb can set of worker pods, and what the controller makes them with."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from brignb.cluster.connection import Connection
from brignb.cluster.settings import given
from brignb.controller.site import Site
from brignb.errors import BadInput
from brignb.model.tokens import Tokens

PREFIX: Final = "BRIGNB_WORKER_"
WARM_IDLE: Final = "BRIGNB_WARM_IDLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """See the module. Where they come from the environment, each is `BRIGNB_WORKER_<NAME>`; `warm_idle` is `BRIGNB_WARM_IDLE`.

    Args:
        image: Has `brignb` on its PATH.
        server: URL of the API as pods reach it.
        ca: A file with the certificates that vouch for it, PEM; empty: the image's own.
        pull_policy: Of the operator's image.
        pull_secrets: Names, with commas, besides the project's.
        namespace: Where the pods are; empty: the controller's own.
        most: Pods with a build of their own at a time; what waits stays in the queue.
        starts: Of these, such as are being started at a time: a node that starts too many starts none in time.
        memory: Limit of a worker whose project names none, as Kubernetes writes it; empty: none.
        cpu: The same of processors.
        memory_request: What its node must have for it; empty: nothing is asked.
        cpu_request: The same of processors.
        uid: The user's number, and its group's.
        pull_grace: Seconds that an image may fail to be pulled, or a container to be made.
        schedule_grace: Seconds that a pod may find no node, when no other worker's end could make room.
        warm_idle: Seconds without an event after which a project's warm workers go.
        mark: This server's, on what is its own; empty: of the only one in the namespace.
        keep: Whether ended pods stay, for people to look at, until retention forgets their builds.
    """

    image: str = ""
    server: str = ""
    ca: str = ""
    pull_policy: str = "IfNotPresent"
    pull_secrets: str = ""
    namespace: str = ""
    most: int = 100
    starts: int = 20
    memory: str = ""
    cpu: str = ""
    memory_request: str = ""
    cpu_request: str = ""
    uid: int = 1000
    pull_grace: float = 60.0
    schedule_grace: float = 300.0
    warm_idle: float = 900.0
    mark: str = ""
    keep: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Those that are set there.

        Raises:
            BadInput: One is missing, or has a value of a wrong type.
        """
        idle = {f"{PREFIX}WARM_IDLE": environment[WARM_IDLE]} if WARM_IDLE in environment else {}
        found = cls(**given(cls, PREFIX, {**environment, **idle}))
        for name, what in (("image", "the image of worker pods"), ("server", "the API's URL as pods reach it")):
            if not getattr(found, name):
                raise BadInput(f"{what} is not set", where=f"${PREFIX}{name.upper()}", hint="workers as pods need it")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What worker pods are made with.

    Args:
        site: Its store, archive and news.
        tokens: Makes theirs.
        connection: To the cluster.
        settings: The operator's.
        namespace: Of the pods.
        authority: What vouches for the API, PEM; empty: nothing of ours.
        room: Whether the end of another worker may make room for one that finds no node.
    """

    site: Site
    tokens: Tokens
    connection: Connection
    settings: Settings
    namespace: str
    authority: str
    room: Callable[[], bool]


def authority(settings: Settings) -> str:
    """What vouches for the API.

    Raises:
        BadInput: The file cannot be read.
    """
    if not settings.ca:
        return ""
    try:
        return Path(settings.ca).read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"it cannot be read: {error}", where=f"${PREFIX}CA: {settings.ca}") from error
