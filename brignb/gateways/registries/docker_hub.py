"""Docker Hub: one trigger, a push, without an id or a digest. Its `callback_url` is never called: a stranger wrote it."""

from __future__ import annotations

from typing import Any

from brignb.gateways.fields import part, text
from brignb.gateways.registries.notice import Notice, Pushed
from brignb.model.events import Image


def read(data: dict[str, Any]) -> Notice | None:
    """A body with `push_data` and `repository`."""
    if part(data, "push_data") is None or part(data, "repository") is None:
        return None
    return Pushed(Image("docker.io", text(data, "repository.repo_name"), text(data, "push_data.tag")))
