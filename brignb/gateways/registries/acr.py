"""Azure Container Registry.

Its webhook reference has `push`, `delete`, `chart_push` and `chart_delete`, each with an `id`; besides, it sends `quarantine` (an image
that nobody may pull yet) and `ping`. Charts have no `request`, and so no registry.
"""

from __future__ import annotations

from typing import Any, Final

from brignb.gateways.fields import part, text
from brignb.gateways.registries.notice import Idle, Notice, Pushed
from brignb.model.events import Image

_IDLE: Final = frozenset({"delete", "chart_delete", "quarantine", "ping"})


def read(data: dict[str, Any]) -> Notice | None:
    """Anything with an action and a target; an action that is not known counts as a push, so that it is not lost."""
    action = text(data, "action")
    if action is None or (part(data, "target") is None and action != "ping"):
        return None
    if action in _IDLE:
        return Idle(f"{action} pushes nothing")
    image = Image(
        registry=text(data, "request.host"),
        repository=text(data, "target.repository"),
        tag=text(data, "target.tag"),
        digest=text(data, "target.digest"),
    )
    return Pushed(image, data.get("id"))
