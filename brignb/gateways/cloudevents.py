"""CloudEvents 1.0 over HTTP, in all three content modes, from whoever knows the URL.

What enters: `POST /cloudevents/v1/{project}/{secret}`. What leaves: one event of the CloudEvent's own type and source, or one for each
element of a batch. What must never happen: an event without the sender's id, which is what a repeated delivery is known by; half of a
batch; a call to a URL that a sender names.

In binary mode the payload is the body, which is the data; in the others it is the CloudEvent whole (contract, "HTTP"). `attributes` has
all but the data, in every mode. Rules: CloudEvents
1.0.2, "HTTP Protocol Binding" (HTTP), "JSON Event Format" (JSON) and the specification itself (CE).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from brignb.errors import BadInput, BrignbError
from brignb.gateways import keys
from brignb.gateways.fields import text, written
from brignb.gateways.proof import addressed, knows_url, unproven
from brignb.gateways.revisions import either
from brignb.model.events import Draft, Revision, event_type
from brignb.model.gateway import Ignore, Inbound, Refuse, Route, Take, Verdict
from brignb.model.projects import Project
from brignb.model.times import parse_rfc3339

LIMIT: Final = 1024 * 1024
"""Bytes of a body."""

_HINT: Final = (
    "the path is /cloudevents/v1/PROJECT/SECRET: PROJECT is brigade-… or owner%2Frepo, "
    "SECRET the project's genericGatewaySecret"
)
_STRUCTURED: Final = "application/cloudevents"
_BATCH: Final = "application/cloudevents-batch"
_JSON: Final = "+json"
_REQUIRED: Final = ("specversion", "id", "source", "type")
_OPTIONAL: Final = ("subject", "time", "dataschema", "datacontenttype")
_DATA: Final = frozenset({"data", "data_base64"})
_PREFIX: Final = "ce-"
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"\Z')
_SOURCE_MAX: Final = 1000
"""Characters of a source; it is a URI reference."""


class MediaType(BrignbError):
    """A content type that is not read here."""

    code = "media_type"


class CloudEvents:
    """See the module."""

    name = "cloudevents"
    # a path convertor, since the server decodes owner%2Frepo before the route is looked for
    routes = (Route("/cloudevents/v1/{project:path}/{secret}", LIMIT),)

    def project(self, inbound: Inbound) -> str | Refuse:
        """From the path: Brigade v1's id, or `owner/repo`."""
        return addressed(inbound.path.get("project", ""), _HINT)

    def greet(self, inbound: Inbound, project: Project | None) -> Mapping[str, str]:
        """Granted to whoever knows the URL. The callback that a sender may name is not called (CloudEvents, "HTTP 1.1 Web Hooks", 4)."""
        origin = inbound.headers.get("webhook-request-origin", "")
        if not origin or not knows_url(inbound, project):
            return {}
        return {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"}

    def judge(self, inbound: Inbound, project: Project | None) -> Verdict:
        """The secret first; then the mode, by the content type; then the event."""
        if not knows_url(inbound, project):
            return unproven(_HINT)
        try:
            return _read(inbound)
        except MediaType as error:
            return Refuse(415, error)
        except BadInput as error:
            return Refuse(400, error)


def _read(inbound: Inbound) -> Verdict:
    media_type = inbound.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not media_type.startswith(_STRUCTURED):
        return Take((_binary(inbound, media_type),))
    batch = media_type.startswith(_BATCH)
    if media_type != (_BATCH if batch else _STRUCTURED) + _JSON:
        hint = f"send {_STRUCTURED}{_JSON}, {_BATCH}{_JSON}, or binary mode"
        raise MediaType(f"{media_type!r:.80} is not read here", where="Content-Type", hint=hint)
    document = inbound.document()
    if not batch:
        return Take((_structured(document.data, document.text, ""),))
    if not isinstance(document.data, list):
        raise BadInput(
            "a batch is a JSON array of CloudEvents", where="body", hint=f"one alone is {_STRUCTURED}{_JSON}"
        )
    if not document.data:
        return Ignore("the batch is empty")
    drafts = (_structured(one, written(one), f"[{index}]") for index, one in enumerate(document.data))
    return Take(tuple(drafts), envelope=True)


def _structured(event: Any, payload: str, place: str) -> Draft:
    """A CloudEvent as JSON (JSON, 3)."""
    if not isinstance(event, dict):
        raise BadInput("a CloudEvent is a JSON object", where=place or "body")
    dot = f"{place}." if place else ""
    for name in (*_REQUIRED, *_OPTIONAL):
        if event.get(name) is not None and not isinstance(event[name], str):
            raise BadInput("it is a text", where=f"{dot}{name}")
    if "data" in event and "data_base64" in event:
        raise BadInput("it stands beside data; there can be one of them", where=f"{dot}data_base64")
    attributes = {name: value for name, value in event.items() if isinstance(value, str | int) and name not in _DATA}
    return _draft(attributes, event.get("data"), payload, dot)


def _binary(inbound: Inbound, media_type: str) -> Draft:
    """Attributes in headers, data as the body (HTTP, 3.1)."""
    attributes = {
        name.removeprefix(_PREFIX): _header(raw, name)
        for name, raw in inbound.headers.items()
        if name.startswith(_PREFIX) and name != f"{_PREFIX}datacontenttype"  # which must not be there (HTTP, 3.1.1)
    }
    if not attributes:
        hint = f"send headers ce-id, ce-source, ce-type and ce-specversion, or {_STRUCTURED}{_JSON}; other JSON goes to /simpleevents/v1"
        raise BadInput("this is no CloudEvent", where="headers", hint=hint)
    if media_type:
        attributes["datacontenttype"] = inbound.headers["content-type"]
    if not inbound.body:
        return _draft(attributes, None, "", "ce-")
    if media_type == "application/json" or media_type.endswith("+json") or not media_type:  # CE, "datacontenttype"
        return _draft(attributes, inbound.document().data, inbound.document().text, "ce-")
    try:
        return _draft(attributes, None, inbound.body.decode(), "ce-")
    except UnicodeDecodeError:
        hint = f"send {_STRUCTURED}{_JSON} with data_base64"
        raise MediaType("data that is no text cannot be kept in binary mode", where="Content-Type", hint=hint) from None


def _header(raw: str, where: str) -> str:
    """An attribute's value: out of its quotes, then percent-decoded, once (HTTP, 3.1.3.2)."""
    if quoted := _QUOTED.match(raw):
        raw = re.sub(r"\\(.)", r"\1", quoted[1])
    try:
        return unquote_to_bytes(raw.encode("latin-1")).decode()
    except UnicodeDecodeError:
        raise BadInput("it is not percent-encoded UTF-8", where=where) from None


def _draft(attributes: dict[str, Any], data: Any, payload: str, dot: str) -> Draft:
    for name in _REQUIRED:
        if not attributes.get(name):
            raise BadInput("a CloudEvent has one, and it is not empty", where=f"{dot}{name}")
    if attributes["specversion"] != "1.0":
        shown = f"{attributes['specversion']!r:.40}"
        raise BadInput(f"version {shown} of CloudEvents is not read here", where=f"{dot}specversion", hint="send 1.0")
    source = attributes["source"]
    if len(source) > _SOURCE_MAX or not source.isprintable():
        raise BadInput(f"it is a URI reference of at most {_SOURCE_MAX} characters", where=f"{dot}source")
    if attributes.get("time"):
        _check_time(attributes["time"], f"{dot}time")
    return Draft(
        gateway=CloudEvents.name,
        source=source,
        type=event_type(attributes["type"], where=f"{dot}type"),
        payload=payload,
        revision=_revision(data),
        keys=keys.delivery(json.dumps([source, attributes["id"]])),  # which together are unique (CE, "id")
        attributes=attributes,
    )


def _check_time(time: str, where: str) -> None:
    try:
        parse_rfc3339(time)
    except (ValueError, OverflowError):
        raise BadInput("it is no RFC 3339 time", where=where, hint="such as 2026-01-31T12:00:00Z") from None


def _revision(data: Any) -> Revision:
    """As Brigade v1 took it, from the data's `commit` and `ref`; where these are no revision they mean something else."""
    try:
        return either(text(data, "commit"), text(data, "ref"))
    except BadInput:
        return Revision()
