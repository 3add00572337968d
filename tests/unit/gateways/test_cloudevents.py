"""CloudEvents in their three modes; the places where a well-known SDK reads them wrongly have a test each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from brignb.gateways import CloudEvents
from brignb.model.events import Revision
from brignb.model.gateway import Ignore, Inbound, Refuse, Take
from brignb.model.projects import Project

cloudevents = CloudEvents()
ATTRIBUTES = {
    "specversion": "1.0",
    "type": "com.example.someevent",
    "time": "2018-04-05T03:56:24Z",
    "id": "1234-1234-1234",
    "source": "/mycontext/subcontext",
}
HELLO = {"message": "Hello World!"}
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


def call(body: Any, content_type: str | None = STRUCTURED, **headers: str) -> Inbound:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    said = {"content-type": content_type} if content_type is not None else {}
    path = {"project": "Codertocat/Hello-World", "secret": "generic-secret"}
    return Inbound(path=path, headers={**said, **named}, query={}, body=raw, at=0)


def binary(body: Any = HELLO, content_type: str | None = "application/json", **changed: str | None) -> Inbound:
    attributes = {**ATTRIBUTES, **changed}
    return call(body, content_type, **{f"ce-{name}": value for name, value in attributes.items() if value is not None})


@pytest.fixture
def taken(project):
    """The drafts of a request that is taken."""

    def judge(inbound: Inbound):
        verdict = cloudevents.judge(inbound, project)
        assert isinstance(verdict, Take), verdict
        return verdict.drafts

    return judge


@pytest.fixture
def refused(project):
    """Status, code and place of a request that is not."""

    def judge(inbound: Inbound):
        verdict = cloudevents.judge(inbound, project)
        assert isinstance(verdict, Refuse), verdict
        return verdict.status, verdict.error.where

    return judge


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8"])
def test_binary_mode(taken, content_type):
    """As in the conformance suite's feature file: attributes in headers, the body is the data."""
    (draft,) = taken(binary(content_type=content_type))
    assert (draft.type, draft.source, draft.gateway) == (
        "com.example.someevent",
        "/mycontext/subcontext",
        "cloudevents",
    )
    assert json.loads(draft.payload) == HELLO


@pytest.mark.parametrize("content_type", [STRUCTURED, f"{STRUCTURED}; charset=utf-8", STRUCTURED.upper()])
def test_structured_mode(taken, content_type):
    """The whole CloudEvent is the payload, as it was received."""
    body = json.dumps({**ATTRIBUTES, "datacontenttype": "application/json", "data": HELLO}, indent=2).encode()
    (draft,) = taken(call(body, content_type))
    assert (draft.type, draft.source) == ("com.example.someevent", "/mycontext/subcontext")
    assert draft.payload.encode() == body


def test_a_batch_is_one_event_for_each_element(project):
    """And its element the payload (contract, "HTTP")."""
    batch = [{**ATTRIBUTES, "id": str(number), "data": number} for number in range(3)]
    verdict = cloudevents.judge(call(batch, BATCH), project)
    assert verdict.envelope
    assert [json.loads(draft.payload) for draft in verdict.drafts] == batch
    assert len({draft.keys for draft in verdict.drafts}) == 3


def test_an_empty_batch_is_understood(project):
    """It may be empty (JSON Batch Format)."""
    assert isinstance(cloudevents.judge(call([], BATCH), project), Ignore)


def test_a_delivery_is_known_by_source_and_id(taken):
    """Which together are unique (CloudEvents, "id"); the mode does not matter."""
    (first,), (second,) = taken(binary()), taken(call({**ATTRIBUTES, "data": HELLO}))
    assert first.keys == second.keys
    (other,) = taken(binary(source="/other"))
    assert other.keys != first.keys


def test_attributes_are_kept_in_every_mode(taken):
    """Subject, time and extensions are no part of a binary event's body."""
    more = {"subject": "order 7", "traceparent": "00-1-2-00", "datacontenttype": "application/json"}
    (first,) = taken(binary(**{name: value for name, value in more.items() if name != "datacontenttype"}))
    (second,) = taken(call({**ATTRIBUTES, **more, "sequence": 5, "data": HELLO}))
    assert first.attributes == {**ATTRIBUTES, **more}
    assert second.attributes == {**ATTRIBUTES, **more, "sequence": 5}


@pytest.mark.parametrize("name", ["id", "source", "type", "specversion"])
@pytest.mark.parametrize("value", [None, ""])
def test_what_is_required_is_asked_for_by_name(refused, name, value):
    """An id that we made up would make every repeated delivery a new build."""
    assert refused(binary(**{name: value})) == (400, f"ce-{name}")
    structured = (
        {**ATTRIBUTES, name: value} if value is not None else {k: v for k, v in ATTRIBUTES.items() if k != name}
    )
    assert refused(call(structured)) == (400, name)
    assert refused(call([ATTRIBUTES, structured], BATCH)) == (400, f"[1].{name}")


@pytest.mark.parametrize(
    ("sent", "source"),
    [
        ("/a%20b", "/a b"),
        ("%E2%82%AC", "€"),
        ("%e2%82%ac", "€"),
        ("/100%2525", "/100%25"),
        ('"/quoted"', "/quoted"),
        ('"/a\\"b\\\\c"', '/a"b\\c'),
        ('"/%C3%BC"', "/ü"),
    ],
)
def test_headers_are_unquoted_then_decoded_once(taken, sent, source):
    """HTTP Protocol Binding, 3.1.3.2."""
    (draft,) = taken(binary(source=sent))
    assert draft.source == source


@pytest.mark.parametrize("sent", ["%C0%A0", "%ff", "/\xff"])
def test_headers_that_are_no_utf8_are_400(refused, sent):
    """HTTP Protocol Binding, 3.1.3.2: they MUST be rejected."""
    assert refused(binary(source=sent)) == (400, "ce-source")


def test_the_content_type_counts_not_a_header_that_must_not_be_there(taken):
    """HTTP Protocol Binding, 3.1.1: `ce-datacontenttype` MUST NOT be used."""
    (draft,) = taken(binary(b"plain words", "text/plain", datacontenttype="application/json"))
    assert draft.payload == "plain words"


@pytest.mark.parametrize("content_type", ["application/json", "application/vnd.x+json", None])
def test_json_that_is_none_is_400(refused, content_type):
    """Without a content type data is JSON (CloudEvents, "datacontenttype")."""
    assert refused(binary(b'{"message": ', content_type))[0] == 400


def test_an_event_may_have_no_data(taken):
    (draft,) = taken(binary(b"", None))
    assert draft.payload == ""


@pytest.mark.parametrize(
    ("inbound", "answer"),
    [
        (call(b"\x00\x01", "application/cloudevents+avro"), (415, "Content-Type")),
        (call([ATTRIBUTES], "application/cloudevents-batch+xml"), (415, "Content-Type")),
        (call(ATTRIBUTES, "application/cloudevents"), (415, "Content-Type")),
        (binary(b"\xff\xfe", "image/png"), (415, "Content-Type")),
        (call(HELLO, "application/json"), (400, "headers")),
        (call(ATTRIBUTES, BATCH), (400, "body")),
        (call([1], BATCH), (400, "[0]")),
        (call([ATTRIBUTES]), (400, "body")),
        (call({**ATTRIBUTES, "specversion": "0.3"}), (400, "specversion")),
        (call({**ATTRIBUTES, "id": 5}), (400, "id")),
        (call({**ATTRIBUTES, "subject": ["x"]}), (400, "subject")),
        (call({**ATTRIBUTES, "time": "yesterday"}), (400, "time")),
        (call({**ATTRIBUTES, "type": "two words"}), (400, "type")),
        (call({**ATTRIBUTES, "source": "a\nb"}), (400, "source")),
        (call({**ATTRIBUTES, "source": "x" * 1001}), (400, "source")),
        (call({**ATTRIBUTES, "data": 1, "data_base64": "MQ=="}), (400, "data_base64")),
    ],
)
def test_what_is_wrong_is_named(refused, inbound, answer):
    assert refused(inbound) == answer


@pytest.mark.parametrize(
    ("data", "revision"),
    [
        ({"commit": "a" * 40}, Revision("a" * 40)),
        ({"ref": "main"}, Revision(ref="main")),
        ({"ref": "an order of 5 pieces"}, Revision()),
        ({"commit": 5}, Revision()),
        ("main", Revision()),
    ],
)
def test_the_revision_comes_from_the_data(taken, data, revision):
    """As in Brigade v1; but whose `ref` is no revision means something else by it, and is no error."""
    for inbound in (call({**ATTRIBUTES, "data": data}), binary(data)):
        (draft,) = taken(inbound)
        assert draft.revision == revision


def test_greeting(project):
    """CloudEvents, "HTTP 1.1 Web Hooks", 4: who knows the URL may send, at any rate; nobody else is told so."""
    asked = call(
        b"", None, webhook_request_origin="sender.example.com", webhook_request_callback="http://169.254.169.254/"
    )
    granted = {"WebHook-Allowed-Origin": "sender.example.com", "WebHook-Allowed-Rate": "*"}
    assert cloudevents.greet(asked, project) == granted
    for stranger in (None, Project(name="o/r"), Project(name="o/r", generic_gateway_secret="another")):
        assert cloudevents.greet(asked, stranger) == {}
