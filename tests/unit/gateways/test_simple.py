"""Simple events: the secret in the URL, any JSON in the body."""

from __future__ import annotations

import json

import pytest
from payloads import bodies

from brignb.gateways import Simple
from brignb.model.events import Revision
from brignb.model.gateway import Inbound, Take
from brignb.model.projects import Project

simple = Simple()


def call(body=b"", *, secret="generic-secret", project="Codertocat/Hello-World", **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Inbound(path={"project": project, "secret": secret}, headers=headers, query={}, body=raw, at=0)


def draft(verdict):
    assert isinstance(verdict, Take), verdict
    (only,) = verdict.drafts
    return only


def test_a_simple_event(project):
    """Contract: type, source, payload as received; two alike are two events."""
    taken = draft(simple.judge(call({"hello": [1]}), project))
    assert (taken.type, taken.source, taken.gateway) == ("simpleevent", "simple", "simple")
    assert taken.payload == '{"hello": [1]}'
    assert (taken.revision, taken.any_commit, taken.keys) == (Revision(), False, ())


def test_an_empty_body_is_fine(project):
    """v1 took it too."""
    assert draft(simple.judge(call(b""), project)).payload == ""


@pytest.mark.parametrize("name", bodies.other())
def test_bodies_of_other_senders(project, name):
    """This is where senders without a gateway of their own go; GitLab's `ref` counts as the body's."""
    raw = bodies.other()[name].encode()
    taken = draft(simple.judge(call(raw), project))
    assert taken.payload.encode() == raw
    assert taken.revision.ref == (json.loads(raw).get("ref") or None)


@pytest.mark.parametrize(
    ("body", "revision"),
    [
        ({"ref": "refs/heads/main"}, Revision(ref="refs/heads/main")),
        ({"commit": "A" * 40}, Revision("a" * 40)),
        ({"commit": "a" * 64, "ref": "main"}, Revision("a" * 64, "main")),
        ({"commit": "main", "ref": "dev"}, Revision(ref="main")),
        ({"ref": "b" * 40}, Revision("b" * 40)),
        ({"commit": 5, "ref": None}, Revision()),
        ({"commit": "", "ref": ""}, Revision()),
        (["ref"], Revision()),
        (None, Revision()),
    ],
)
def test_ref_and_commit_come_from_the_body(project, body, revision):
    """40 or 64 hex digits are a commit, anything else a ref; commit wins."""
    assert draft(simple.judge(call(body), project)).revision == revision


@pytest.mark.parametrize("body", [{"ref": "-x"}, {"commit": "a b"}, {"ref": "x\0"}, {"ref": "x" * 1025}])
def test_what_is_no_revision_is_400(project, body):
    verdict = simple.judge(call(body), project)
    assert (verdict.status, verdict.error.where) == (400, "revision")


@pytest.mark.parametrize("body", [b"ref=main", b" ", b"{", b"\xff"])
def test_what_is_no_json_is_400(project, body):
    verdict = simple.judge(call(body), project)
    assert verdict.status == 400
    assert verdict.error.where


@pytest.mark.parametrize("secret", ["", "generic-secre", "generic-secret ", "\u20ac", "\ud800", "None"])
def test_a_wrong_secret_is_401(project, secret):
    assert simple.judge(call(secret=secret), project).status == 401


@pytest.mark.parametrize("stored", [None, ""])
def test_a_project_without_a_secret_takes_nothing(stored):
    """v1 refused an empty one too."""
    bare = Project(name="o/r", generic_gateway_secret=stored)
    assert simple.judge(call(secret=""), bare).status == 401


def test_the_project_is_named_by_id_or_name(project):
    assert simple.project(call()) == "Codertocat/Hello-World"
    assert simple.project(call(project=project.id)) == project.id
    assert simple.project(call(project="../x")).status == 401


def test_an_idempotency_key_is_taken_at_its_word(project):
    """Only that one makes a second event the same."""
    (key,) = draft(simple.judge(call(**{"idempotency-key": "k1"}), project)).keys
    assert (key.kind, key.value, key.ttl_ms) == ("idempotency", "k1", 90 * 24 * 3600 * 1000)
    assert draft(simple.judge(call(**{"idempotency-key": ""}), project)).keys == ()
