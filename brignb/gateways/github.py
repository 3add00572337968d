"""GitHub: webhooks signed with the project's `sharedSecret` by HMAC-SHA256 over the raw body.

What enters: a delivery of any event that GitHub sends. What leaves: one draft, typed `push` or `pull_request:opened`; or the reason
why nothing is to be done. What must never happen: a byte of the body believed before its signature holds. Only where the URL
names no repository is the body looked into first, for `repository.full_name`, which decides whose secret is asked, and no more.

The signature covers the body alone, not the headers: so the body's digest is remembered too, whatever event or delivery the
headers claim, and only a body that is itself a dispatch may come twice.
"""

from __future__ import annotations

import hmac
import re
from typing import Any, Final

from brignb.errors import BadInput, PayloadError, Refused
from brignb.gateways import keys
from brignb.gateways.fields import text
from brignb.gateways.proof import addressed, same, unproven
from brignb.gateways.registries import ghcr
from brignb.gateways.revisions import of_github
from brignb.gateways.strangers import is_pull_request, stranger
from brignb.model.events import DedupeKey, Draft
from brignb.model.gateway import Ignore, Inbound, Refuse, Route, Take, Verdict
from brignb.model.projects import Project

LIMIT: Final = 25 * 1024 * 1024
"""Bytes of a body; GitHub sends none that are larger."""

_JSON: Final = ("application/json",)
_MEDIA_HINT: Final = "on GitHub's webhook page choose the content type application/json"
_EVENT = re.compile(r"[a-z][a-z0-9_]{0,99}\Z")
_ACTION_MAX: Final = 100

_DISPATCHES: Final = {"repository_dispatch": "client_payload", "workflow_dispatch": "inputs"}
"""Events that people send, alike if they wish, and a field that only their bodies have."""


class GitHub:
    """See the module."""

    name = "github"
    routes = (
        Route("/events/github", LIMIT, _JSON, _MEDIA_HINT),
        Route("/events/github/{owner}/{repo}", LIMIT, _JSON, _MEDIA_HINT),
    )

    def project(self, inbound: Inbound) -> str | Refuse:
        """From the path; without one, from the body's `repository.full_name`."""
        if "repo" in inbound.path:
            return addressed(f"{inbound.path.get('owner')}/{inbound.path['repo']}", _hint(inbound))
        try:
            name = inbound.document().full_name()
        except PayloadError as error:
            return Refuse(400, error)
        if name is None:
            longer = "send it to /events/github/OWNER/REPO"
            return Refuse(401, Refused("the body names no repository", where="repository.full_name", hint=longer))
        return addressed(name, _hint(inbound))

    def judge(self, inbound: Inbound, project: Project | None) -> Verdict:
        """The signature first; then the event."""
        if not _signed(inbound, project):
            return unproven(_hint(inbound))
        try:
            return _read(inbound)
        except BadInput as error:
            return Refuse(400, error)


def _signed(inbound: Inbound, project: Project | None) -> bool:
    # the same work whether or not there is such a project: its time must not tell
    secret = (project.shared_secret if project else None) or ""
    digest = hmac.digest(secret.encode("utf-8", "surrogatepass"), inbound.body, "sha256").hex()
    fits = same(inbound.headers.get("x-hub-signature-256", ""), f"sha256={digest}")
    return fits and bool(secret)


def _hint(inbound: Inbound) -> str:
    """What to do about a missing or wrong signature, told from the request alone."""
    if "x-hub-signature-256" in inbound.headers:
        return "the secret on GitHub's webhook page must be the sharedSecret of a project of the repository's name"
    if "x-hub-signature" in inbound.headers:
        return "it is signed with SHA-1 only; X-Hub-Signature-256 is wanted, which GitHub sends beside it"
    return "it is not signed; put the project's sharedSecret as the secret on GitHub's webhook page"


def _read(inbound: Inbound) -> Verdict:
    event = inbound.headers.get("x-github-event", "")
    if not _EVENT.match(event):
        raise BadInput("no event of GitHub has this name", where="X-GitHub-Event", hint="send GitHub's header as it is")
    data = inbound.document().data
    if not isinstance(data, dict):
        raise PayloadError("a webhook's body is a JSON object", where="body")
    if reason := _idle(event, data):
        return Ignore(reason)
    draft = Draft(
        gateway=GitHub.name,
        source=GitHub.name,
        type=_type(event, data),
        payload=inbound.document().text,
        revision=of_github(event, data),
        image=ghcr.image(data) if event in ghcr.EVENTS else None,
        any_commit=event == "push" or is_pull_request(event, data),
        keys=_keys(inbound, event, data),
    )
    return Take((draft,))


def _idle(event: str, data: dict[str, Any]) -> str | None:
    if event == "ping":
        return "ping"
    if event == "push" and data.get("deleted") is True:
        return "a branch or tag was deleted"
    return stranger(event, data)


def _type(event: str, data: dict[str, Any]) -> str:
    """`push`, or `pull_request:opened` where there is an action that can be shown."""
    action = text(data, "action")
    shown = action is not None and len(action) <= _ACTION_MAX and action.isprintable()
    return f"{event}:{action}" if shown else event


def _keys(inbound: Inbound, event: str, data: dict[str, Any]) -> tuple[DedupeKey, ...]:
    named = keys.delivery(inbound.headers.get("x-github-delivery"))
    if event in _DISPATCHES and _DISPATCHES[event] in data:
        return named
    return (*named, keys.body(inbound.body, keys.GITHUB_BODY_MS))
