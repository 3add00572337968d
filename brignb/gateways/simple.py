"""Simple events: any JSON, or nothing, from whoever knows the URL (Brigade v1's generic gateway).

What enters: `POST /simpleevents/v1/{project}/{secret}`. What leaves: one `simpleevent`, with `ref` and `commit` where the body says
them. What must never happen: an event for a project that has no `genericGatewaySecret`.

Two alike are two events: these senders have no ids, and may well mean it. One that sends an `Idempotency-Key` is taken at its word.
"""

from __future__ import annotations

from typing import Final

from brignb.errors import BadInput
from brignb.gateways import keys
from brignb.gateways.fields import text
from brignb.gateways.proof import addressed, knows_url, unproven
from brignb.gateways.revisions import either
from brignb.model.events import Draft
from brignb.model.gateway import Inbound, Refuse, Route, Take, Verdict
from brignb.model.projects import Project

LIMIT: Final = 1024 * 1024
"""Bytes of a body."""

_HINT: Final = (
    "the path is /simpleevents/v1/PROJECT/SECRET: PROJECT is brigade-… or owner%2Frepo, "
    "SECRET the project's genericGatewaySecret"
)


class Simple:
    """See the module."""

    name = "simple"
    # a path convertor, since the server decodes owner%2Frepo before the route is looked for
    routes = (Route("/simpleevents/v1/{project:path}/{secret}", LIMIT),)

    def project(self, inbound: Inbound) -> str | Refuse:
        """From the path: Brigade v1's id, or `owner/repo`."""
        return addressed(inbound.path.get("project", ""), _HINT)

    def judge(self, inbound: Inbound, project: Project | None) -> Verdict:
        """The secret first; then the body."""
        if not knows_url(inbound, project):
            return unproven(_HINT)
        try:
            return Take((_draft(inbound),))
        except BadInput as error:
            return Refuse(400, error)


def _draft(inbound: Inbound) -> Draft:
    payload, data = "", None
    if inbound.body:
        payload, data = inbound.document().text, inbound.document().data
    return Draft(
        gateway=Simple.name,
        source=Simple.name,
        type="simpleevent",
        payload=payload,
        revision=either(text(data, "commit"), text(data, "ref")),
        keys=keys.idempotency(inbound.headers.get("idempotency-key")),
    )
