"""Events: what a gateway accepted, and the bound object that a handler sees.

What enters: a sender's request, judged by a gateway. What leaves: an `Event`, immutable, with its payload as received. An event
is data; no part of it is ever source text, a path or a command.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from brignb.errors import BadInput
from brignb.model.names import is_commit

REVISION_MAX: Final = 1024
"""Characters in a ref; git's own limit is the file system's."""


def event_type(text: object, *, where: str) -> str:
    """Check an event's type.

    Raises:
        BadInput: It is empty or `*`, or has spaces or what terminals take for commands.
    """
    if isinstance(text, str) and text and text.isprintable() and " " not in text and text != "*":
        return text
    raise BadInput(f"{text!r:.80} is no event type", where=where, hint='such as "deployed"')


@dataclass(frozen=True, slots=True)
class Revision:
    """What to check out: `commit` wins over `ref`; neither means the remote's HEAD."""

    commit: str | None = None
    ref: str | None = None

    @classmethod
    def parse(cls, text: str | None) -> Revision:
        """40 or 64 hex digits are a commit, anything else is a ref (contract, "HTTP").

        Raises:
            BadInput: It starts with `-`, or holds a control character or a space; git would take it for something else.
        """
        if not text:
            return cls()
        if text.startswith("-") or any(c <= " " or "\x7f" <= c <= "\x9f" for c in text) or len(text) > REVISION_MAX:
            raise BadInput(f"{text!r:.120} is neither a commit nor a ref", where="revision")
        return cls(commit=text.lower()) if is_commit(text) else cls(ref=text)

    def to_json(self) -> dict[str, str | None]:
        """As the contract's `revision`."""
        return {"commit": self.commit, "ref": self.ref}


@dataclass(frozen=True, slots=True)
class Image:
    """An image that a registry told of; what its body does not say is None."""

    registry: str | None = None
    repository: str | None = None
    tag: str | None = None
    digest: str | None = None

    def to_json(self) -> dict[str, str | None]:
        """As the contract's `event.image`."""
        return {"registry": self.registry, "repository": self.repository, "tag": self.tag, "digest": self.digest}


@dataclass(frozen=True, slots=True)
class DedupeKey:
    """A way in which the same delivery can be known again.

    Args:
        kind: `delivery` (the sender's id), `body` (SHA-256 of the body), `idempotency` (an `Idempotency-Key`).
        value: The id or digest.
        ttl_ms: For how long it is remembered.
    """

    kind: str
    value: str
    ttl_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An event that a gateway accepted and nothing has stored yet.

    Args:
        gateway: `github`, `registry`, `simple`, `cloudevents`, `api`, `brignb`: what the delivery is told apart by.
        source: The event's `source` as the contract names it; differs from `gateway` only for CloudEvents and `cli`.
        type: Such as `push`, `pull_request:opened`, `image_push`.
        payload: The body (or an envelope's element) as received.
        any_commit: Whether a commit that no branch or tag reaches may be built (signed `push`, an accepted pull request, an
            API token).
        keys: What makes a second delivery the same one.
        cause: Of `after`, `error` and emitted events.
        attributes: A CloudEvent's, its id, subject, time and extensions among them; empty for others.
    """

    gateway: str
    source: str
    type: str
    payload: str = ""
    revision: Revision = field(default_factory=Revision)
    image: Image | None = None
    any_commit: bool = False
    keys: tuple[DedupeKey, ...] = ()
    cause: dict[str, Any] | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Event:
    """What a handler gets (contract, "Notebook")."""

    id: str
    type: str
    source: str
    project: str
    build_id: str
    payload: str = ""
    revision: Revision = field(default_factory=Revision)
    image: Image | None = None
    cause: dict[str, Any] | None = None
    attributes: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def data(self) -> Any:
        """The payload, decoded as JSON; None when it is empty or no JSON."""
        try:
            return json.loads(self.payload) if self.payload else None
        except (ValueError, RecursionError):
            return None

    def matches(self, pattern: str) -> bool:
        """Whether a handler for `pattern` is called: the type itself, its part before the colon, or `*`."""
        return pattern in {"*", self.type, self.type.partition(":")[0]}

    def to_json(self) -> dict[str, Any]:
        """Everything, the payload included."""
        return {
            "id": self.id,
            "type": self.type,
            "source": self.source,
            "project": self.project,
            "build_id": self.build_id,
            "payload": self.payload,
            "revision": self.revision.to_json(),
            "image": self.image.to_json() if self.image else None,
            "cause": self.cause,
            "attributes": self.attributes,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Event:
        """The inverse of `to_json`."""
        image = data.get("image")
        rest = {k: data.get(k) for k in ("id", "type", "source", "project", "build_id", "payload", "cause")}
        rest["attributes"] = data.get("attributes") or {}
        return cls(**rest, revision=Revision(**data["revision"]), image=Image(**image) if image else None)  # type: ignore[arg-type]

    def __repr__(self) -> str:
        return f"Event({self.type!r}, source={self.source!r}, id={self.id!r})"
