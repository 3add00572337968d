"""Quay. Its bodies do not say what happened, only what it happened to; a push is the one that lists `updated_tags`."""

from __future__ import annotations

from typing import Any

from brignb.gateways.fields import text
from brignb.gateways.registries.notice import Idle, Notice, Pushed, split
from brignb.model.events import Image


def read(data: dict[str, Any]) -> Notice | None:
    """A body with Quay's `docker_url` and `homepage`. One push is one event: of several tags `image.tag` is the first."""
    url = text(data, "docker_url")
    if url is None or text(data, "homepage") is None:
        return None
    if "updated_tags" not in data:
        return Idle("not a push")
    registry, repository = split(url)
    return Pushed(Image(registry, repository, _first_tag(data["updated_tags"])))


def _first_tag(tags: Any) -> str | None:
    """Of a list of tags, or of what older Quays send, an object by tag."""
    first = next(iter(tags), None) if isinstance(tags, list | dict) else None
    return first if isinstance(first, str) and first else None
