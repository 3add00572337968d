"""GitHub's deliveries: proof, type, revision, what is ignored and how a delivery is known again."""

from __future__ import annotations

import copy
import hashlib
import hmac
import json

import pytest
from payloads import bodies

from brignb.gateways import GitHub
from brignb.model.events import Image, Revision
from brignb.model.gateway import Ignore, Refuse, Take
from brignb.model.projects import Project

github = GitHub()
EVERY = [(event, index) for event, examples in bodies.github().items() for index in range(len(examples))]
HEAD = "ec26c3e57ca3a959ca5aad62de7213c562f8c821"


def example(event, action=None):
    """One of GitHub's bodies, free to be changed."""
    found = (one for one in bodies.github()[event] if action is None or one.get("action") == action)
    return copy.deepcopy(next(found))


def draft(verdict):
    assert isinstance(verdict, Take), verdict
    assert not verdict.envelope
    (only,) = verdict.drafts
    return only


class TestProof:
    """Nothing of a body is believed before its signature holds."""

    def test_the_vector_of_githubs_documentation(self, delivery, project):
        """https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries; the body is no JSON, so it passes to 400."""
        digest = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        verdict = github.judge(delivery("push", b"Hello, World!", x_hub_signature_256=digest), project)
        assert verdict.status == 400
        verdict = github.judge(delivery("push", b"Hello, World!", x_hub_signature_256=digest[:-1] + "8"), project)
        assert verdict.status == 401

    @pytest.mark.parametrize(
        "shown", ["", "sha256=", "757107ea", "sha1=abc", "sha256=\xff\u20ac\ud800", "SHA256=" + "0" * 64]
    )
    def test_other_signatures_do_not_pass(self, delivery, project, shown):
        """Neither does one raise that is no ASCII: it comes from a stranger."""
        assert github.judge(delivery("push", example("push"), x_hub_signature_256=shown), project).status == 401

    def test_a_signature_over_other_bytes(self, delivery, project):
        """One byte more is another body."""
        good = delivery("push", b'{"ref": "refs/heads/main"}')
        other = delivery(
            "push", b'{"ref": "refs/heads/main"} ', x_hub_signature_256=good.headers["x-hub-signature-256"]
        )
        assert github.judge(other, project).status == 401

    def test_sha1_alone_is_refused_with_a_hint(self, delivery, project):
        """Old senders and proxies that drop the new header get told."""
        inbound = delivery("push", example("push"), x_hub_signature="sha1=" + "0" * 40)
        del inbound.headers["x-hub-signature-256"]
        verdict = github.judge(inbound, project)
        assert verdict.status == 401
        assert "SHA-1" in verdict.error.hint

    @pytest.mark.parametrize("secret", [None, ""])
    def test_a_project_without_a_secret_takes_nothing(self, delivery, secret):
        """An empty key would make a signature that anybody can compute."""
        body = json.dumps(example("push")).encode()
        digest = hmac.new(b"", body, hashlib.sha256).hexdigest()
        inbound = delivery("push", body, x_hub_signature_256=f"sha256={digest}")
        assert github.judge(inbound, Project(name="o/r", shared_secret=secret)).status == 401


class TestProject:
    """Whose secret is asked."""

    def test_from_the_body(self, delivery):
        assert github.project(delivery("push", example("push"))) == "Codertocat/Hello-World"

    def test_the_path_wins_and_the_body_is_not_looked_into(self, delivery):
        """A body that could not even be parsed must not matter before the signature."""
        inbound = delivery("push", b"[" * 100_000)
        inbound.path.update(owner="o", repo="r")
        assert github.project(inbound) == "o/r"
        inbound = delivery("push", example("push"))
        inbound.path.update(owner="o", repo="r")
        assert github.project(inbound) == "o/r"

    def test_neither_gets_a_hint_at_the_longer_route(self, delivery):
        """Organisation hooks have events without a repository."""
        verdict = github.project(delivery("organization", example("organization")))
        assert verdict.status == 401
        assert "/events/github/OWNER/REPO" in verdict.error.hint

    @pytest.mark.parametrize(
        "body", [b"", b"{", b'{"a": NaN}', b"[" * 100_000, b'{"repository": {}, "repository": {}}']
    )
    def test_a_malformed_body_is_400(self, delivery, body):
        verdict = github.project(delivery("push", body))
        assert verdict.status == 400
        assert verdict.error.where

    @pytest.mark.parametrize("name", ["../../etc/passwd", "o", "o/r\0", "o/" + "r" * 10_000, "o/..", "", "o/r\n"])
    def test_a_name_that_no_project_can_have_reaches_no_store(self, delivery, project, name):
        """The answer is the one for a project that does not exist."""
        inbound = delivery("push", {"repository": {"full_name": name}})
        verdict = github.project(inbound)
        assert isinstance(verdict, Refuse)
        assert verdict.error.to_json() == github.judge(inbound, None).error.to_json()

    def test_the_body_is_parsed_once(self, delivery, project):
        """Twice would cost 60 µs a delivery."""
        inbound = delivery("push", example("push"))
        github.project(inbound)
        assert inbound.document() is inbound.document()


class TestEvents:
    """What a delivery becomes."""

    @pytest.mark.parametrize(("event", "index"), EVERY)
    def test_every_body_of_github(self, delivery, project, event, index):
        """All 329: each is taken once, typed by its action, payload untouched, unless the contract ignores it."""
        body = bodies.github()[event][index]
        inbound = delivery(event, body)
        verdict = github.judge(inbound, project)
        stranger = event.startswith("pull_request") and body["pull_request"]["author_association"] != "OWNER"
        if event == "ping" or (event == "push" and body["deleted"]) or stranger:
            assert isinstance(verdict, Ignore)
            return
        taken = draft(verdict)
        assert taken.type == (f"{event}:{body['action']}" if "action" in body else event)
        assert taken.payload.encode() == inbound.body
        assert (taken.gateway, taken.source) == ("github", "github")
        assert taken.any_commit == (event == "push" or event.startswith("pull_request"))

    @pytest.mark.parametrize("header", [None, "", "Push", "push:x", "push\n", "p" * 101])
    def test_the_event_header_is_needed(self, delivery, project, header):
        inbound = delivery("push", example("push"), **({"x_github_event": header} if header is not None else {}))
        if header is None:
            del inbound.headers["x-github-event"]
        verdict = github.judge(inbound, project)
        assert (verdict.status, verdict.error.where) == (400, "X-GitHub-Event")

    @pytest.mark.parametrize("body", [[], "push", 5, None])
    def test_a_body_that_is_no_object(self, delivery, project, body):
        assert github.judge(delivery("push", body), project).status == 400

    @pytest.mark.parametrize(
        ("action", "kind"), [("a b", "x:a b"), ("a\nb", "x"), (5, "x"), ("", "x"), ("a" * 101, "x")]
    )
    def test_an_action_that_cannot_be_shown_is_left_out(self, delivery, project, action, kind):
        """The type goes into lists and logs; repository_dispatch lets people choose it."""
        assert draft(github.judge(delivery("x", {"action": action}), project)).type == kind

    def test_an_event_that_github_may_invent(self, delivery, project):
        """An unknown event or action is taken as it is."""
        assert draft(github.judge(delivery("galaxy", {"action": "born"}), project)).type == "galaxy:born"

    def test_a_deleted_branch_is_ignored(self, delivery, project):
        """There is nothing to build; v1 did the same. The event `delete` is one that somebody asked for, and runs."""
        gone = example("push") | {"deleted": True, "after": "0" * 40, "head_commit": None}
        assert "deleted" in github.judge(delivery("push", gone), project).reason
        assert draft(github.judge(delivery("delete", example("delete")), project)).revision == Revision()

    def test_a_pushed_container_has_its_image(self, delivery, project):
        """GitHub's own example, whose tag is empty, and one with a tag; an npm package is no image."""
        container = next(
            one for one in bodies.github()["package"] if "container_metadata" in one["package"]["package_version"]
        )
        digest = "sha256:3da1996a8115d7616457760d9920b815241d0a03b34cf5f04e9a0e9d8de37498"
        taken = draft(github.judge(delivery("package", container), project))
        assert taken.type == "package:published"
        assert taken.image == Image("ghcr.io", "Codertocat/hello-world", None, digest)
        tagged = copy.deepcopy(container)
        tagged["registry_package"] = tagged.pop("package")
        tagged["registry_package"]["package_version"]["container_metadata"]["tag"]["name"] = "v1"
        taken = draft(github.judge(delivery("registry_package", tagged), project))
        assert taken.image == Image("ghcr.io", "Codertocat/hello-world", "v1", digest)
        assert draft(github.judge(delivery("package", bodies.github()["package"][0]), project)).image is None


class TestRevision:
    """Commit and ref, as Brigade v1 took them (and for events that it did not know)."""

    @pytest.mark.parametrize(
        ("event", "action", "revision"),
        [
            ("pull_request", "opened", Revision(HEAD, "refs/pull/2/head")),
            ("pull_request_review", "submitted", Revision(HEAD, "refs/pull/2/head")),
            ("pull_request_review_comment", "created", Revision(HEAD, "refs/pull/2/head")),
            ("create", None, Revision(None, "simple-tag")),
            ("release", "published", Revision(None, "0.0.1")),
            ("status", None, Revision("6113728f27ae82c7b1a177c8d03f9e96e0adf246")),
            ("commit_comment", "created", Revision("6113728f27ae82c7b1a177c8d03f9e96e0adf246")),
            ("deployment", "created", Revision("f95f852bd8fca8fcc58a9a2d6c842781e32a215e", "master")),
            ("deployment_status", "created", Revision("f95f852bd8fca8fcc58a9a2d6c842781e32a215e", "master")),
            ("check_run", "created", Revision(HEAD, "changes")),
            ("check_suite", "completed", Revision(HEAD, "changes")),
            ("issue_comment", "created", Revision()),
            ("issues", "opened", Revision()),
            ("star", "created", Revision()),
        ],
    )
    def test_of_each_event(self, delivery, project, event, action, revision):
        assert draft(github.judge(delivery(event, example(event, action)), project)).revision == revision

    def test_of_a_push(self, delivery, project):
        """head_commit is the commit even where `after` is an annotated tag's own object."""
        push = example("push") | {
            "ref": "refs/tags/v1",
            "after": "A" * 40,
            "head_commit": {"id": "B" * 40},
            "deleted": False,
        }
        assert draft(github.judge(delivery("push", push), project)).revision == Revision("b" * 40, "refs/tags/v1")
        push["head_commit"] = None
        assert draft(github.judge(delivery("push", push), project)).revision == Revision("a" * 40, "refs/tags/v1")

    def test_a_ref_that_is_none_is_refused_only_where_it_is_needed(self, delivery, project):
        """`-x` would be an option to git; a fork may have such a branch, and then the commit is enough."""
        verdict = github.judge(delivery("create", example("create") | {"ref": "--upload-pack=x"}), project)
        assert (verdict.status, verdict.error.where) == (400, "revision")
        check = example("check_suite")
        check["check_suite"]["head_branch"] = "-x"
        assert draft(github.judge(delivery("check_suite", check), project)).revision == Revision(HEAD)

    def test_a_signed_body_is_not_read_as_another_event(self, delivery, project):
        """Headers are not signed: a stranger's pull request replayed as a `push` must not have its commit built."""
        body = example("pull_request", "synchronize")
        body["pull_request"]["author_association"] = "NONE"
        assert "after" in body  # where a push has its commit
        for event in ("push", "status", "issues"):
            assert isinstance(github.judge(delivery(event, body), project), Ignore)


class TestStrangers:
    """Pull requests from strangers do not run."""

    @pytest.mark.parametrize("association", ["OWNER", "MEMBER", "COLLABORATOR"])
    def test_who_could_push_anyway_may_run(self, delivery, project, association):
        pull = example("pull_request", "synchronize")
        pull["pull_request"]["author_association"] = association
        assert draft(github.judge(delivery("pull_request", pull), project)).any_commit

    @pytest.mark.parametrize(
        "association", ["NONE", "CONTRIBUTOR", "FIRST_TIMER", "MANNEQUIN", "owner", "", None, 5, ["OWNER"]]
    )
    @pytest.mark.parametrize(
        "event", ["pull_request", "pull_request_review", "pull_request_review_comment", "pull_request_target"]
    )
    def test_everybody_else_may_not(self, delivery, project, event, association):
        pull = example(event if event != "pull_request_target" else "pull_request")
        pull["pull_request"]["author_association"] = association
        verdict = github.judge(delivery(event, pull), project)
        assert "author_association" in verdict.reason

    @pytest.mark.parametrize(
        ("event", "whose"), [("pull_request_review", "review"), ("pull_request_review_comment", "comment")]
    )
    def test_a_strangers_review_runs_nothing(self, delivery, project, event, whose):
        """The event's text is theirs, even on an owner's pull request."""
        body = example(event)
        body[whose]["author_association"] = "NONE"
        assert whose in github.judge(delivery(event, body), project).reason

    def test_a_pull_request_event_without_a_pull_request(self, delivery, project):
        assert isinstance(github.judge(delivery("pull_request", {"action": "opened"}), project), Ignore)

    def test_a_comment_runs_the_notebook_of_head(self, delivery, project):
        """A stranger's comment on a pull request is no pull request: no commit of theirs is built."""
        comment = example("issue_comment", "created")
        comment["issue"]["pull_request"] = {"url": "https://api.github.com/repos/o/r/pulls/1"}
        comment["comment"]["author_association"] = "NONE"
        taken = draft(github.judge(delivery("issue_comment", comment), project))
        assert (taken.revision, taken.any_commit) == (Revision(), False)


class TestSeenBefore:
    """How a delivery is known again."""

    @staticmethod
    def kinds(taken):
        return [key.kind for key in taken.keys]

    def test_by_id_and_by_body(self, delivery, project):
        one = draft(github.judge(delivery("push", example("push")), project))
        assert self.kinds(one) == ["delivery", "body"]
        assert one.keys[0].ttl_ms == 90 * 24 * 3600 * 1000
        assert one.keys[1].ttl_ms == 72 * 3600 * 1000
        other = draft(github.judge(delivery("push", example("push"), x_github_delivery="another"), project))
        assert one.keys[0] != other.keys[0]
        assert one.keys[1] == other.keys[1]

    def test_without_an_id(self, delivery, project):
        inbound = delivery("push", example("push"))
        del inbound.headers["x-github-delivery"]
        assert self.kinds(draft(github.judge(inbound, project))) == ["body"]

    @pytest.mark.parametrize("event", ["repository_dispatch", "workflow_dispatch"])
    def test_dispatches_may_come_twice(self, delivery, project, event):
        """People send them, alike if they wish."""
        assert self.kinds(draft(github.judge(delivery(event, example(event)), project))) == ["delivery"]

    @pytest.mark.parametrize("event", ["repository_dispatch", "workflow_dispatch"])
    def test_a_header_alone_makes_no_dispatch(self, delivery, project, event):
        """A captured push, replayed under that name with a new delivery id, is still the same body."""
        for other in ("push", "workflow_run"):  # whose bodies have a `workflow`, too
            assert self.kinds(draft(github.judge(delivery(event, example(other)), project))) == ["delivery", "body"]

    def test_an_id_takes_no_more_room_than_an_id(self, delivery, project):
        """Headers are not signed; what is remembered for 90 days must be small."""
        taken = draft(github.judge(delivery("push", example("push"), x_github_delivery="x" * 60_000), project))
        assert len(taken.keys[0].value) < 100
