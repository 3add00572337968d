"""GitHub's container registry, which tells of itself by GitHub's events `package` and `registry_package`.

One event comes for each manifest, so a pushed tag of two platforms makes three; those of a platform have an empty tag. A package of
another kind (npm, Maven, …) comes the same way: only one with `container_metadata`, or of a container's type, is an image.
"""

from __future__ import annotations

from typing import Any, Final

from brignb.gateways.fields import part, text
from brignb.gateways.registries.notice import Idle, Notice, Pushed, digest, split
from brignb.model.events import Image

EVENTS: Final = ("package", "registry_package")
_PUSHES: Final = frozenset({"published", "updated"})
_IMAGES: Final = frozenset({"container", "docker"})


def read(data: dict[str, Any]) -> Notice | None:
    """A body of one of these events, or GitHub's ping; their id is the header `X-GitHub-Delivery`."""
    if "zen" in data and "hook_id" in data:
        return Idle("ping")
    if _package(data) is None or text(data, "action") is None:
        return None
    if data["action"] not in _PUSHES:
        return Idle(f"{data['action'][:40]} pushes nothing")
    found = image(data)
    return Pushed(found) if found else Idle("a package that is no image")


def image(data: dict[str, Any]) -> Image | None:
    """The image of such a body; None when the package is none."""
    package = _package(data)
    if package is None:
        return None
    metadata = part(package, "package_version.container_metadata")
    if metadata is None and (text(package, "package_type") or "").lower() not in _IMAGES:
        return None
    registry, repository = split(text(package, "package_version.package_url") or "")
    owner, name = text(package, "namespace"), text(package, "name")
    named = "/".join(filter(None, (owner, name))) or None
    return Image(
        registry=registry or "ghcr.io",
        repository=repository or named,
        tag=text(metadata, "tag.name"),
        digest=digest(text(package, "package_version.version")) or text(metadata, "tag.digest"),
    )


def _package(data: dict[str, Any]) -> dict[str, Any] | None:
    return next((found for event in EVENTS if (found := part(data, event))), None)
