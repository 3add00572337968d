"""CNCF Distribution (Docker's registry, and those made of it): an envelope of events, one of which may be the push of a manifest.

Every pull, every layer and every mount comes in the same envelope; only a pushed manifest is an image. What the registry is told
must be plain success: it sends an envelope again, for ever, until it is.
"""

from __future__ import annotations

from typing import Any, Final

from brignb.gateways.fields import part, text
from brignb.gateways.registries.notice import Pushed
from brignb.model.events import Image

_MANIFESTS: Final = frozenset(
    {
        "application/vnd.docker.distribution.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.artifact.manifest.v1+json",
    }
)


def elements(data: Any) -> list[dict[str, Any]] | None:
    """The events of an envelope; None for a body that is none."""
    listed = data.get("events") if isinstance(data, dict) else None
    if not isinstance(listed, list):
        return None
    return listed if all(text(one, "action") and part(one, "target") is not None for one in listed) else None


def read(element: dict[str, Any]) -> Pushed | None:
    """One event of an envelope; None unless it pushed a manifest."""
    if element["action"] != "push" or text(element, "target.mediaType") not in _MANIFESTS:
        return None
    image = Image(
        registry=text(element, "request.host"),
        repository=text(element, "target.repository"),
        tag=text(element, "target.tag"),
        digest=text(element, "target.digest"),
    )
    return Pushed(image, element.get("id"))
