"""Container registries: Azure, Docker Hub, GitHub's, Harbor, Quay, CNCF Distribution, and whoever else sends JSON.

What enters: a registry's webhook. What leaves: `image_push`, with `image` where the sender is known; for Distribution's envelope one
for each manifest that it says was pushed. What must never happen: a push that is lost because its sender is unknown; a URL in a
body that is called.

These senders sign nothing. A project with a `registrySecret` wants it shown, as `?secret=`, as a bearer token, or (Harbor) as the
whole Authorization header; one without takes every call, as Brigade v1 did.
"""

from __future__ import annotations

from typing import Any, Final

from brignb.errors import BadInput
from brignb.gateways import keys
from brignb.gateways.fields import written
from brignb.gateways.proof import addressed, same, unproven
from brignb.gateways.registries import acr, distribution, docker_hub, ghcr, harbor, quay
from brignb.gateways.registries.notice import Idle, Notice, Pushed, Reader
from brignb.model.events import Draft, Revision
from brignb.model.gateway import Ignore, Inbound, Refuse, Route, Take, Verdict
from brignb.model.projects import Project

LIMIT: Final = 1024 * 1024
"""Bytes of a body."""

_READERS: Final[tuple[Reader, ...]] = (ghcr.read, docker_hub.read, harbor.read, quay.read, acr.read)
_HINT: Final = (
    "name a project in the path; show its registrySecret, if it has one, as ?secret= or Authorization: Bearer"
)
_BEARER: Final = "bearer "


class Registry:
    """See the module."""

    name = "registry"
    routes = (
        Route("/events/webhook/{project}", LIMIT),
        Route("/events/webhook/{owner}/{repo}", LIMIT),
        Route("/events/webhook/{owner}/{repo}/{commit:path}", LIMIT),
    )

    def project(self, inbound: Inbound) -> str | Refuse:
        """From the path: `owner/repo`, or Brigade v1's id."""
        path = inbound.path
        return addressed(path["project"] if "project" in path else f"{path.get('owner')}/{path.get('repo')}", _HINT)

    def judge(self, inbound: Inbound, project: Project | None) -> Verdict:
        """The secret first; then the body."""
        if not _shown(inbound, project):
            return unproven(_HINT)
        try:
            return _read(inbound)
        except BadInput as error:
            return Refuse(400, error)


def _shown(inbound: Inbound, project: Project | None) -> bool:
    secret = (project.registry_secret if project else None) or ""
    header = inbound.headers.get("authorization", "")
    token = header[len(_BEARER) :] if header.lower().startswith(_BEARER) else ""
    # every place is compared, so that the time does not tell which one, or whether there is such a project
    fits = sum(same(shown, secret) for shown in (inbound.query.get("secret", ""), header, token))
    return project is not None and (fits > 0 or not secret)


def _read(inbound: Inbound) -> Verdict:
    revision = Revision.parse(inbound.query.get("commit") or inbound.path.get("commit"))
    document = inbound.document()
    listed = distribution.elements(document.data)
    if listed is not None:
        return _opened(listed, revision)
    notice = _notice(document.data)
    if isinstance(notice, Idle):
        return Ignore(notice.reason)
    identifier = notice.delivery or inbound.headers.get("x-github-delivery")
    return Take((_draft(notice, identifier, document.text, revision),))


def _notice(data: Any) -> Notice:
    """What the first sender that knows the body reads in it; a body that nobody knows is a push, as in Brigade v1."""
    answers = (read(data) for read in _READERS) if isinstance(data, dict) else ()
    return next((answer for answer in answers if answer), Pushed())


def _opened(listed: list[dict[str, Any]], revision: Revision) -> Verdict:
    pushed = [(element, notice) for element in listed if (notice := distribution.read(element))]
    if not pushed:
        return Ignore("no manifest was pushed")
    drafts = (_draft(notice, notice.delivery, written(element), revision) for element, notice in pushed)
    return Take(tuple(drafts), envelope=True)


def _draft(notice: Pushed, identifier: Any, payload: str, revision: Revision) -> Draft:
    named = keys.delivery(identifier)
    return Draft(
        gateway=Registry.name,
        source=Registry.name,
        type="image_push",
        payload=payload,
        revision=revision,
        image=notice.image,
        keys=named or (keys.body(payload.encode(), keys.UNNAMED_BODY_MS),),
    )
