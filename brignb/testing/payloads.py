"""Recorded payloads of real senders, turned by the real gateways into the events that a server would make of them.

    payloads.github("pull_request:opened")                       event.type, event.data, event.revision as in a build
    payloads.github("push", {"ref": "refs/heads/dev"})           the same, with a part of it changed
    payloads.registry("acr")                                     event.image is set
    payloads.cloudevent("com.example.shipped", {"tag": "1.0"}), payloads.simple({...}), payloads.event("deployed", {...})
    payloads.names()                                             what was recorded

    delivery = payloads.delivery("push", project="me/app", secret="…")    # the request itself, signed: for a server of one's own

Where the bodies are from stands in `recorded/README.md`.
"""

from __future__ import annotations

import copy
import difflib
import gzip
import hmac
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from brignb.errors import BadInput, NotFound
from brignb.gateways import CloudEvents, GitHub, Registry, Simple
from brignb.model.events import Draft, Event, Revision, event_type
from brignb.model.gateway import Gateway, Ignore, Inbound, Refuse
from brignb.model.names import new_id
from brignb.model.projects import Project
from brignb.script.payloads import payload_text

PROJECT: Final = "example/demo"
_SECRET: Final = "a-secret-of-the-tests"  # noqa: S105 - of no project
_JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A request as its sender makes it.

    Args:
        path: Of the URL; it is POSTed.
        headers: With the signature.
        body: As signed.
    """

    path: str
    headers: Mapping[str, str]
    body: bytes


def names() -> list[str]:
    """What was recorded: GitHub's `push`, `pull_request`, `pull_request:opened`, …, then the registries' `acr`, `quay`, and so on."""
    known = {kind for event, bodies in _github().items() for body in bodies for kind in (event, _kind(event, body))} - {
        "ping"
    }
    return [*sorted(known), *sorted(_registries())]


def github(kind: str, changes: Mapping[str, Any] | None = None, *, project: str | None = None) -> Event:
    """One of GitHub's events.

    Args:
        kind: Such as `push` or `pull_request:opened`; without an action, the first that was recorded.
        changes: Parts of the body, by dotted path, each with its new value.
        project: Its name; else the body's repository's.

    Raises:
        NotFound: None of that kind was recorded.
        BadInput: The gateway would not make an event of it, and why.
    """
    sent = delivery(kind, changes, project=project)
    return _judged(GitHub(), sent, project or _repository(json.loads(sent.body)))


def registry(name: str, changes: Mapping[str, Any] | None = None, *, project: str = PROJECT) -> Event:
    """An `image_push`, as a registry tells of it.

    Args:
        name: `acr`, `distribution`, `eventgrid`, `ghcr`, `harbor` or `quay`.
        changes: See `github`.
        project: Its name.

    Raises:
        NotFound: That registry was not recorded.
        BadInput: See `github`.
    """
    return _judged(Registry(), registry_delivery(name, changes, project=project), project)


def simple(data: Any = None, *, project: str = PROJECT) -> Event:
    """A `simpleevent` with any JSON, or none."""
    body = b"" if data is None else _written(data)
    return _judged(Simple(), Delivery(f"/simpleevents/v1/{project}/{_SECRET}", {"content-type": _JSON}, body), project)


def cloudevent(kind: str, data: Any = None, *, source: str = "/tests", project: str = PROJECT) -> Event:
    """A CloudEvent, sent in binary mode: `event.payload` is its data."""
    headers = {"content-type": _JSON, "ce-specversion": "1.0", "ce-id": _id(), "ce-source": source, "ce-type": kind}
    body = b"" if data is None else _written(data)
    return _judged(CloudEvents(), Delivery(f"/cloudevents/v1/{project}/{_SECRET}", headers, body), project)


def event(
    kind: str, payload: Any = None, *, commit: str | None = None, ref: str | None = None, project: str = PROJECT
) -> Event:
    """An event as `brignb event create` makes it.

    Raises:
        BadInput: No type, or a revision that is none.
        PayloadError: The payload cannot be one.
    """
    revision = Revision(Revision.parse(commit).commit, Revision.parse(ref).ref)
    draft = Draft(
        gateway="api",
        source="api",
        type=event_type(kind, where="payloads.event"),
        payload=payload_text(payload, where="payloads.event"),
        revision=revision,
    )
    return _stored(draft, project)


def delivery(
    kind: str, changes: Mapping[str, Any] | None = None, *, project: str | None = None, secret: str = _SECRET
) -> Delivery:
    """One of GitHub's requests, signed.

    Args:
        kind: See `github`.
        changes: See `github`.
        project: To be sent for; it becomes the body's repository.
        secret: The project's `sharedSecret`.

    Raises:
        NotFound: None of that kind was recorded.
    """
    wanted, _, action = kind.partition(":")
    fitting = [body for body in _github().get(wanted, ()) if not action or body.get("action") == action]
    if not fitting:
        raise _unknown(kind, names())
    renamed = {} if project is None else {"repository.full_name": project}
    body = _written(_changed(fitting[0], {**renamed, **(changes or {})}))
    headers = {
        "content-type": _JSON,
        "x-github-event": wanted,
        "x-github-delivery": _id(),
        "x-hub-signature-256": "sha256=" + hmac.digest(secret.encode(), body, "sha256").hex(),
    }
    return Delivery(f"/events/github/{project}" if project else "/events/github", headers, body)


def registry_delivery(name: str, changes: Mapping[str, Any] | None = None, *, project: str = PROJECT) -> Delivery:
    """A registry's request, unsigned as they are: for a project without a `registrySecret`.

    Raises:
        NotFound: That registry was not recorded.
    """
    recorded = _registries()
    if name not in recorded:
        raise _unknown(name, recorded)
    return Delivery(f"/events/webhook/{project}", {"content-type": _JSON}, _written(_changed(recorded[name], changes)))


def _judged(gateway: Gateway, sent: Delivery, project: str) -> Event:
    owner, _, repo = project.partition("/")
    inbound = Inbound(
        path={"owner": owner, "repo": repo, "project": project, "secret": _SECRET},
        headers=sent.headers,
        query={},
        body=sent.body,
        at=time.time_ns() // 1_000_000,
    )
    known = Project(name=project, shared_secret=_SECRET, generic_gateway_secret=_SECRET)
    verdict = gateway.judge(inbound, known)
    if isinstance(verdict, Refuse):
        raise verdict.error
    if isinstance(verdict, Ignore):
        raise BadInput(
            f"a server makes no event of it: {verdict.reason}",
            where="payloads",
            hint='change what it says: payloads.github(…, {"pull_request.author_association": "OWNER"})',
        )
    return _stored(verdict.drafts[0], project)


def _stored(draft: Draft, project: str) -> Event:
    """As the store and the controller hand it to a build."""
    return Event(
        id=_id(),
        type=draft.type,
        source=draft.source,
        project=project,
        build_id=_id(),
        payload=draft.payload,
        revision=draft.revision,
        image=draft.image,
        cause=draft.cause,
        attributes=draft.attributes,
    )


def _id() -> str:
    return new_id(time.time_ns() // 1_000_000, os.urandom(10))


def _changed(body: Any, changes: Mapping[str, Any] | None) -> Any:
    body = copy.deepcopy(body)
    for path, value in (changes or {}).items():
        *steps, last = path.split(".")
        place = body
        for step in steps:
            place = place[int(step)] if isinstance(place, list) else place.setdefault(step, {})
        if isinstance(place, list):
            place[int(last)] = value
        else:
            place[last] = value
    return body


def _written(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _repository(body: Any) -> str:
    return str(body.get("repository", {}).get("full_name") or PROJECT)


def _kind(event: str, body: Mapping[str, Any]) -> str:
    return f"{event}:{body['action']}" if "action" in body else event


def _unknown(name: str, known: Mapping[str, Any] | list[str]) -> NotFound:
    near = difflib.get_close_matches(name, list(known), n=1)
    guess = f"did you mean {near[0]!r}?" if near else "payloads.names() lists what was"
    return NotFound(f"no {name!r} was recorded", where="payloads", hint=guess)


@cache
def _github() -> dict[str, list[dict[str, Any]]]:
    recorded: dict[str, list[dict[str, Any]]] = json.loads(gzip.decompress(_file("github.json.gz")))
    return recorded


@cache
def _registries() -> dict[str, Any]:
    """Pushes, each by its registry's name."""
    every = json.loads(_file("registries.json"))
    return {name.partition(" ")[0]: each["body"] for name, each in every.items() if name.endswith(" push")}


def _file(name: str) -> bytes:
    return (resources.files("brignb.testing") / "recorded" / name).read_bytes()
