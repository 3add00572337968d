"""What a worker is told: one build, whole, as a plain value.

It goes to the worker over its control socket as JSON, without secrets: those come in a memfd of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from brignb.model.events import Event
from brignb.model.rooms import Room


@dataclass(frozen=True, slots=True)
class Server:
    """Where a worker without rights of its own has its jobs started; it comes with the secrets, for it holds one.

    Args:
        url: The server's.
        token: Of the build's attempt.
        ca: A file with the certificate that proves the server; None: the world's do.
    """

    url: str
    token: str = field(repr=False)
    ca: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One attempt of one build.

    Args:
        created_ms: The build's time.
        project: `Project.stored()`: everything that is no secret.
        event: What it is for.
        parameters: From `-p`, as texts.
        source: The checkout's folder as the worker sees it; None: there is no source.
        builds: The folder that holds the build's own folder in the archive.
        work: The build's work folder: `src`, and what its jobs leave for each other.
        cache: The folder of what is kept between builds; None: nothing is kept.
        executor: Name of the job executor; `server`: it is the server that starts them.
        tier: What executes the notebook: `kernel` or `cold`; any other: the worker itself.
        why: Why that tier; empty: it needs no word.
        notebook: The worker notebook's text; None: it is in the archive.
        debug: The command that debugs the build, if it fails; empty: there is none.
        room: What a forked worker shuts itself into; None: it is in its sandbox already, or there is none.
    """

    build_id: str
    attempt: int
    created_ms: int
    project: Mapping[str, Any]
    event: Event
    parameters: Mapping[str, str] = field(default_factory=dict)
    source: str | None = None
    builds: str
    work: str
    cache: str | None = None
    executor: str = "process"
    tier: str = "shell"
    why: str = ""
    notebook: str | None = None
    debug: str = ""
    room: Room | None = None

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        room = self.room.to_json() if self.room else None
        return {**plain, "event": self.event.to_json(), "room": room}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Assignment:
        """The inverse of `to_json`."""
        room = Room.from_json(data["room"]) if data["room"] else None
        return cls(**{**data, "event": Event.from_json(data["event"]), "room": room})
