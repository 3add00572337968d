"""What a reader of one registry's bodies answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from brignb.model.events import Image


@dataclass(frozen=True, slots=True)
class Pushed:
    """An image (or what else a registry keeps) was pushed.

    Args:
        image: None when the body does not say.
        delivery: The sender's id of this notice, as it stands in the body.
    """

    image: Image | None = None
    delivery: Any = None


@dataclass(frozen=True, slots=True)
class Idle:
    """Nothing was pushed."""

    reason: str


Notice = Pushed | Idle

Reader = Callable[[dict[str, Any]], Notice | None]
"""Answers None for a body that is not of its sender."""


def digest(text: str | None) -> str | None:
    """A text that is an image's digest; registries put other things in the same place."""
    return text if text and text.startswith("sha256:") else None


def split(reference: str) -> tuple[str | None, str | None]:
    """Registry and repository of `host/owner/name`, followed by `:tag`, `@digest` or neither."""
    host, _, rest = reference.partition("/")
    repository = rest.partition("@")[0].partition(":")[0]
    return host or None, repository or None
