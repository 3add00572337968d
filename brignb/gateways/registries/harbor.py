"""Harbor, in both of its formats: its own (`type`, `event_data`), without an id, and CloudEvents (`harbor.artifact.pushed`)."""

from __future__ import annotations

from typing import Any, Final

from brignb.gateways.fields import part, text, value
from brignb.gateways.registries.notice import Idle, Notice, Pushed, digest, split
from brignb.model.events import Image

_PUSHES: Final = frozenset({"PUSH_ARTIFACT", "UPLOAD_CHART", "pushImage", "uploadChart", "harbor.artifact.pushed"})
"""`pushImage` and `uploadChart` are from before Harbor 2.0."""


def read(data: dict[str, Any]) -> Notice | None:
    """A body of either format. Where it lists several artifacts, `image` is the first."""
    kind = text(data, "type")
    if kind is None:
        return None
    if kind.startswith("harbor.") and "specversion" in data:
        return _notice(kind, part(data, "data"), data.get("id"))
    if part(data, "event_data") is not None:
        return _notice(kind, part(data, "event_data"), None)
    return None


def _notice(kind: str, event: dict[str, Any] | None, delivery: Any) -> Notice:
    if kind not in _PUSHES:
        return Idle(f"{kind[:40]} pushes nothing")
    resources = value(event, "resources")
    first = resources[0] if isinstance(resources, list) and resources else None
    registry, repository = split(text(first, "resource_url") or "")
    tag = text(first, "tag")
    image = Image(
        registry=registry,
        repository=text(event, "repository.repo_full_name") or repository,
        # without a tag, Harbor puts the digest in its place
        tag=None if digest(tag) else tag,
        digest=text(first, "digest"),
    )
    return Pushed(image, delivery)
