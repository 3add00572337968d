"""How a delivery is known again (contract, "Seen before")."""

from __future__ import annotations

import hashlib
from typing import Final

from brignb.model.events import DedupeKey

_HOUR_MS: Final = 60 * 60 * 1000

SENDERS_ID_MS: Final = 90 * 24 * _HOUR_MS
"""For how long a sender's own id is remembered: longer than any sender sends it again."""

GITHUB_BODY_MS: Final = 72 * _HOUR_MS
"""For how long GitHub's bodies are: it offers redelivery for 3 days, and a captured signature stays valid for ever."""

UNNAMED_BODY_MS: Final = 10 * 60 * 1000
"""For how long the bodies of senders without ids are: their retries come within minutes, and two alike may be meant later."""

_ID_MAX: Final = 200


def delivery(identifier: object) -> tuple[DedupeKey, ...]:
    """The sender's id; nothing when it has none."""
    return _named("delivery", identifier)


def idempotency(identifier: object) -> tuple[DedupeKey, ...]:
    """A sent `Idempotency-Key`; nothing when there is none."""
    return _named("idempotency", identifier)


def body(content: bytes, ttl_ms: int) -> DedupeKey:
    """The digest of a body (or of an envelope's element).

    Args:
        content: Its bytes.
        ttl_ms: Milliseconds for which it is remembered.
    """
    return DedupeKey("body", hashlib.sha256(content).hexdigest(), ttl_ms)


def _named(kind: str, identifier: object) -> tuple[DedupeKey, ...]:
    if not isinstance(identifier, str) or not identifier:
        return ()
    if len(identifier) > _ID_MAX or not identifier.isprintable():
        # whatever a stranger calls an id is remembered, but never takes more room than an id does
        identifier = "sha256:" + hashlib.sha256(identifier.encode("utf-8", "surrogatepass")).hexdigest()
    return (DedupeKey(kind, identifier, SENDERS_ID_MS),)
