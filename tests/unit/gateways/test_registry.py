"""Registries' webhooks: who is let in, which body is a push, of which image, and how it is known again."""

from __future__ import annotations

import copy
import json

import pytest
from payloads import bodies

from brignb.gateways import Registry
from brignb.model.events import Image, Revision
from brignb.model.gateway import Ignore, Take
from brignb.model.projects import Project

registry = Registry()
OPEN = Project(name="Codertocat/Hello-World")
PUSHED = "sha256:80f0d5c8786bb9e621a45ece0db56d11cdc624ad20da9fe62e9d25490f331d7d"
DEBIAN = "sha256:8a9e9863dbb6e10edb5adfe917c00da84e1700fa76e7ed02476aa6e6fb8ee0d8"
ALPINE = "sha256:954b378c375d852eb3c63ab88978f640b4348b01c1b3456a024a81536dafbbf4"
HELLO = "sha256:3da1996a8115d7616457760d9920b815241d0a03b34cf5f04e9a0e9d8de37498"
CHART = "sha256:xxxx8075264b5ba7c14c23672xxxx52ae6a3ebac1c47916e4efe19cd624dxxxx"
MANIFEST = "sha256:fea8895f450959fa676bcc1df0611ea93823a735a01205fd8622846041d0c7cf"


def body(name):
    """A registry's documented body, free to be changed."""
    return copy.deepcopy(bodies.registries()[name])


def draft(verdict):
    assert isinstance(verdict, Take), verdict
    assert not verdict.envelope
    (only,) = verdict.drafts
    return only


class TestProof:
    """`registrySecret`, where the project has one."""

    def test_none_is_wanted_of_a_project_without_one(self, notice):
        """As the reference pipeline does."""
        assert draft(registry.judge(notice(body("acr push")), OPEN))
        assert draft(registry.judge(notice(body("acr push"), secret="anything"), OPEN))

    @pytest.mark.parametrize("header", ["Bearer registry-secret", "bearer registry-secret", "registry-secret"])
    def test_it_may_come_as_a_header(self, notice, project, header):
        """A bearer token, or as Harbor sends it: the header is the configured text."""
        inbound = notice(body("harbor push"))
        inbound.headers["authorization"] = header
        assert draft(registry.judge(inbound, project))

    def test_it_may_come_in_the_url(self, notice, project):
        assert draft(registry.judge(notice(body("acr push"), secret="registry-secret"), project))

    @pytest.mark.parametrize(
        "header", ["", "Bearer", "Bearer ", "Bearer registry-secre", "Basic registry-secret", "\xff\u20ac"]
    )
    @pytest.mark.parametrize("secret", ["", "wrong", "registry-secret2", "\ud800"])
    def test_anything_else_is_401(self, notice, project, header, secret):
        inbound = notice(body("acr push"), secret=secret)
        inbound.headers["authorization"] = header
        verdict = registry.judge(inbound, project)
        assert verdict.status == 401
        assert "registry-secret" not in str(verdict.error)

    def test_a_project_that_does_not_exist_is_401_even_unsigned(self, notice):
        assert registry.judge(notice(body("acr push")), None).status == 401


class TestProject:
    def test_by_name_and_by_v1s_id(self, notice):
        """v1 took the project's id in the place of the owner."""
        assert registry.project(notice({})) == "Codertocat/Hello-World"
        inbound = notice({})
        inbound.path.clear()
        inbound.path["project"] = OPEN.id
        assert registry.project(inbound) == OPEN.id
        inbound.path["project"] = "brigade-short"
        assert registry.project(inbound).status == 401


class TestRevision:
    @pytest.mark.parametrize(
        ("path", "query", "revision"),
        [
            (None, {}, Revision()),
            ("master", {}, Revision(ref="master")),
            ("feature/x", {}, Revision(ref="feature/x")),
            ("master", {"commit": "v1"}, Revision(ref="v1")),
            (None, {"commit": "A" * 40}, Revision("a" * 40)),
            ("c" * 64, {"commit": ""}, Revision("c" * 64)),
        ],
    )
    def test_the_query_beats_the_path(self, notice, path, query, revision):
        inbound = notice(body("acr push"), commit=path)
        inbound.query.update(query)
        assert draft(registry.judge(inbound, OPEN)).revision == revision

    @pytest.mark.parametrize("commit", ["-x", "a b", "x" * 1025, "a\0b"])
    def test_what_is_no_revision_is_400(self, notice, commit):
        verdict = registry.judge(notice(body("acr push"), commit=commit), OPEN)
        assert (verdict.status, verdict.error.where) == (400, "revision")


class TestImages:
    """`event.image`, of every recognised registry."""

    @pytest.mark.parametrize(
        ("name", "image"),
        [
            ("acr push", Image("myregistry.azurecr.io", "hello-world", "v1", PUSHED)),
            ("acr chart_push", Image(None, "repo", "wordpress-5.4.0.tgz", CHART)),
            ("harbor push", Image("hub.harbor.com", "test-webhook/debian", "latest", DEBIAN)),
            ("harbor push, CloudEvents", Image("localhost", "harbor/alpine", None, ALPINE)),
            ("quay push", Image("quay.io", "mynamespace/repository", "latest", None)),
            ("quay push, older", Image("quay.io", "mynamespace/repository", "latest", None)),
            ("ghcr push", Image("ghcr.io", "Codertocat/hello-world", None, HELLO)),
            ("eventgrid push", None),
        ],
    )
    def test_a_push(self, notice, name, image):
        """The payload is the body as received; EventGrid's is not known, and so is v1's `image_push` with its body."""
        inbound = notice(body(name))
        taken = draft(registry.judge(inbound, OPEN))
        assert (taken.type, taken.source, taken.any_commit) == ("image_push", "registry", False)
        assert taken.image == image
        assert taken.payload.encode() == inbound.body

    def test_docker_hub(self, notice):
        inbound = notice(bodies.other()["docker/docker_hub_build_notice.json"].encode())
        assert draft(registry.judge(inbound, OPEN)).image == Image("docker.io", "svendowideit/testhook", "latest", None)

    def test_ghcr_by_its_other_names(self, notice):
        """Without an URL the image is named by namespace and name; a registry_package says the same as a package."""
        told = body("ghcr push")
        told["registry_package"] = told.pop("package")
        told["registry_package"]["package_version"]["package_url"] = None
        told["registry_package"] |= {"namespace": "codertocat", "package_type": "CONTAINER"}
        del told["registry_package"]["package_version"]["container_metadata"]
        name = told["registry_package"]["name"]
        assert draft(registry.judge(notice(told), OPEN)).image == Image("ghcr.io", f"codertocat/{name}", None, HELLO)

    def test_what_a_registrys_body_leaves_out_is_none(self, notice):
        """No field of a stranger's can be relied on."""
        for told in (
            {"action": "push", "target": {}},
            {"push_data": {}, "repository": {}},
            {"type": "PUSH_ARTIFACT", "event_data": {"resources": ["x"]}},
            {"type": "harbor.artifact.pushed", "specversion": "1.0"},
            {"action": "published", "package": {"package_type": "docker"}},
            {"docker_url": "quay.io", "homepage": "x", "updated_tags": 5},
        ):
            image = draft(registry.judge(notice(told), OPEN)).image
            assert (image.repository, image.tag, image.digest) == (None, None, None)

    @pytest.mark.parametrize("name", bodies.other())
    def test_bodies_of_other_senders_are_pushes(self, notice, name):
        """Nothing is lost because its sender is unknown: v1 took any JSON here."""
        raw = bodies.other()[name].encode()
        taken = draft(registry.judge(notice(raw), OPEN))
        assert taken.payload.encode() == raw
        assert (taken.image is not None) == name.startswith("docker/")

    @pytest.mark.parametrize(
        "told", [[], [1], "text", 5, None, {}, {"events": 5}, {"events": [1]}, {"events": [{"action": "push"}]}]
    )
    def test_json_of_any_shape_is_taken(self, notice, told):
        assert draft(registry.judge(notice(told), OPEN)).image is None

    @pytest.mark.parametrize("raw", [b"", b"payload=%7B%7D", b"\x00", b"{", b"[" * 100_000])
    def test_what_is_no_json_is_400(self, notice, raw):
        verdict = registry.judge(notice(raw), OPEN)
        assert verdict.status == 400
        assert verdict.error.where


class TestIdle:
    """What pushes nothing makes no event."""

    @pytest.mark.parametrize("name", ["acr delete", "acr chart_delete", "quay build queued", "distribution pull"])
    def test_documented_bodies(self, notice, name):
        assert isinstance(registry.judge(notice(body(name)), OPEN), Ignore)

    @pytest.mark.parametrize(
        "told",
        [
            {"id": "1", "timestamp": "2017", "action": "ping"},
            {"action": "quarantine", "target": {"repository": "x"}},
            {"zen": "Keep it logically awesome.", "hook_id": 1, "hook": {}},
            {"action": "deleted", "package": {"name": "x"}},
            {"events": []},
            {"type": "harbor.artifact.pulled", "specversion": "1.0", "data": {}},
            {"type": "harbor.scan.completed", "specversion": "1.0", "data": {}},
        ]
        + [
            {"type": kind, "event_data": {}}
            for kind in (
                "PULL_ARTIFACT",
                "DELETE_ARTIFACT",
                "SCANNING_COMPLETED",
                "QUOTA_EXCEED",
                "REPLICATION",
                "TAG_RETENTION",
            )
        ],
        ids=str,
    )
    def test_other_actions(self, notice, told):
        assert registry.judge(notice(told), OPEN).reason

    def test_a_package_of_another_kind(self, notice):
        """npm's packages come by the same webhook."""
        assert "no image" in registry.judge(notice(bodies.github()["package"][0]), OPEN).reason

    def test_an_action_that_azure_may_invent_is_a_push(self, notice):
        """Better once too often than lost."""
        assert draft(registry.judge(notice(body("acr push") | {"action": "restore"}), OPEN)).image.tag == "v1"


class TestEnvelope:
    """Distribution's: of what it lists, each push of a manifest is an event with that element as its payload."""

    def test_the_documented_one(self, notice):
        told = body("distribution push")
        verdict = registry.judge(notice(told, commit="master"), OPEN)
        assert verdict.envelope
        (taken,) = verdict.drafts
        assert json.loads(taken.payload) == told["events"][0]
        assert taken.image == Image("registrycluster.local", "library/test", None, MANIFEST)
        assert taken.revision == Revision(ref="master")
        assert [(key.kind, key.value) for key in taken.keys] == [("delivery", "asdf-asdf-asdf-asdf-0")]

    def test_several_manifests_are_several_events(self, notice):
        """A multi-platform push lists an index and its manifests; one without an id is known by its own digest."""
        told = body("distribution push")
        index, first, second = told["events"]
        index["target"] |= {"mediaType": "application/vnd.oci.image.index.v1+json", "tag": "vé"}
        first["target"]["mediaType"] = "application/vnd.oci.image.manifest.v1+json"
        del first["id"]
        second["action"] = "pull"
        drafts = registry.judge(notice(told), OPEN).drafts
        assert [one.image.tag for one in drafts] == ["vé", None]
        assert [one.keys[0].kind for one in drafts] == ["delivery", "body"]
        assert json.loads(drafts[0].payload) == index

    def test_numbers_survive(self, notice):
        """The element is written again; what it holds stays the same value."""
        told = body("distribution push")
        told["events"][0]["target"]["size"] = 123456789012345678901234567890
        told["events"][0]["target"]["ratio"] = 0.1
        told["events"][0]["note"] = "a\0b \U0001f600"
        (taken,) = registry.judge(notice(told), OPEN).drafts
        assert json.loads(taken.payload) == told["events"][0]


class TestSeenBefore:
    @pytest.mark.parametrize(
        ("name", "kind", "value"),
        [
            ("acr push", "delivery", "cb8c3971-9adc-488b-bdd8-43cbb4974ff5"),
            ("harbor push, CloudEvents", "delivery", "66e18103-09c1-41f6-982f-37df223f3eeb"),
            ("harbor push", "body", None),
            ("quay push", "body", None),
            ("eventgrid push", "body", None),
            ("ghcr push", "body", None),
        ],
    )
    def test_by_the_senders_id_else_by_the_body(self, notice, name, kind, value):
        (key,) = draft(registry.judge(notice(body(name)), OPEN)).keys
        assert key.kind == kind
        assert value in (None, key.value)
        assert key.ttl_ms == (90 * 24 * 3600 if kind == "delivery" else 600) * 1000

    def test_github_names_its_deliveries_in_a_header(self, notice):
        inbound = notice(body("ghcr push"))
        inbound.headers["x-github-delivery"] = "72d3162e"
        (key,) = draft(registry.judge(inbound, OPEN)).keys
        assert (key.kind, key.value) == ("delivery", "72d3162e")

    @pytest.mark.parametrize("identifier", [5, None, "", ["x"], {}])
    def test_an_id_that_is_no_text_is_none(self, notice, identifier):
        (key,) = draft(registry.judge(notice(body("acr push") | {"id": identifier}), OPEN)).keys
        assert key.kind == "body"
