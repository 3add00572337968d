"""Proving a sender: comparisons that take the same time for every guess, and one answer for all who prove nothing."""

from __future__ import annotations

import hmac

from brignb.errors import BadInput, Refused
from brignb.model.gateway import Inbound, Refuse
from brignb.model.names import is_project_id, project_name
from brignb.model.projects import Project


def same(shown: str, expected: str) -> bool:
    """Whether two texts are equal, in a time that does not tell where they differ; no text makes it raise."""
    return hmac.compare_digest(shown.encode("utf-8", "surrogatepass"), expected.encode("utf-8", "surrogatepass"))


def knows_url(inbound: Inbound, project: Project | None) -> bool:
    """Whether the path's `secret` is the project's `genericGatewaySecret`; a project without one is known to nobody."""
    secret = (project.generic_gateway_secret if project else None) or ""
    fits = same(inbound.path.get("secret", ""), secret)
    return fits and bool(secret)


def unproven(hint: str) -> Refuse:
    """The 401 for a missing or wrong proof and, word for word, for a project that does not exist."""
    return Refuse(401, Refused("no project of this name takes the request by what it shows", hint=hint))


def addressed(name: str, hint: str) -> str | Refuse:
    """The project that a request names; what can be no project's name or id is refused here and reaches no store."""
    try:
        return name if is_project_id(name) else project_name(name)
    except BadInput:
        return unproven(hint)
