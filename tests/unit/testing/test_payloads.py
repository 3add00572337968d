"""Recorded payloads become the events that a server would make of them."""

from __future__ import annotations

import pytest
from payloads import bodies

from brignb.errors import BadInput, NotFound
from brignb.gateways import GitHub
from brignb.model.gateway import Inbound, Take
from brignb.model.projects import Project
from brignb.testing import payloads


def test_a_pull_request_is_as_in_a_build():
    """Type with its action, revision, source and data are the gateway's work."""
    event = payloads.github("pull_request:opened")
    assert (event.type, event.source, event.project) == ("pull_request:opened", "github", "Codertocat/Hello-World")
    assert event.revision.commit == event.data["pull_request"]["head"]["sha"]
    assert event.matches("pull_request")


@pytest.mark.parametrize("name", ["acr", "harbor", "quay", "ghcr", "distribution"])
def test_registries_set_the_image(name):
    event = payloads.registry(name)
    assert (event.type, event.source) == ("image_push", "registry")
    assert event.image.repository


def test_a_body_can_be_changed_and_the_recording_stays():
    changed = payloads.github(
        "push", {"ref": "refs/heads/dev", "head_commit.id": "b" * 40, "commits": []}, project="me/app"
    )
    assert (changed.data["ref"], changed.revision.commit, changed.project) == ("refs/heads/dev", "b" * 40, "me/app")
    assert payloads.github("push").data["ref"] != "refs/heads/dev"


def test_what_a_server_ignores_is_no_event_and_says_why():
    """A test that fires what never comes would prove nothing."""
    with pytest.raises(BadInput, match="author_association is NONE"):
        payloads.github("pull_request:opened", {"pull_request.author_association": "NONE"})


@pytest.mark.parametrize(("name", "guess"), [("pul_request", "pull_request"), ("acrr", "acr")])
def test_an_unknown_name_gets_the_nearest(name, guess):
    for call in (payloads.github, payloads.registry):
        with pytest.raises(NotFound) as refused:
            call(name)
        assert guess in refused.value.hint or call is payloads.registry


@pytest.mark.slow
def test_every_name_is_an_event_or_says_why_not():
    """Strangers' pull requests are ignored, as a server does."""
    ignored = []
    for name in payloads.names():
        try:
            event = payloads.github(name) if name.partition(":")[0] in bodies.github() else payloads.registry(name)
        except BadInput as told:
            ignored.append(str(told))
        else:
            assert event.type in {name, "image_push"} or event.type.startswith(f"{name}:"), name
    assert [told for told in ignored if "author_association" not in told] == []
    assert len(payloads.names()) > 200


def test_simple_and_made_up_events():
    assert payloads.simple({"ref": "main"}).revision.ref == "main"
    assert payloads.simple().payload == ""
    cloud = payloads.cloudevent("com.example.shipped", {"tag": "1.0"}, source="/shop")
    assert (cloud.type, cloud.source, cloud.data) == ("com.example.shipped", "/shop", {"tag": "1.0"})
    event = payloads.event("deployed", {"a": 1}, ref="v1")
    assert (event.type, event.data, event.revision.ref, event.source) == ("deployed", {"a": 1}, "v1", "api")


def test_a_delivery_is_signed_for_its_project():
    """What `06-listen-to-real-webhooks` and Binder send to a real server."""
    sent = payloads.delivery("push", project="me/app", secret="theirs")
    assert sent.path == "/events/github/me/app"
    inbound = Inbound(path={"owner": "me", "repo": "app"}, headers=sent.headers, query={}, body=sent.body, at=0)
    assert isinstance(GitHub().judge(inbound, Project(name="me/app", shared_secret="theirs")), Take)
    assert not isinstance(GitHub().judge(inbound, Project(name="me/app", shared_secret="mine")), Take)
