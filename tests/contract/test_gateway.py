"""What the gateway seam promises, of every gateway: proof first, one answer for all who prove nothing, and always a verdict."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from payloads import bodies
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route as StarletteRoute

from brignb.gateways import CloudEvents, GitHub, Registry, Simple
from brignb.model.events import DedupeKey, Image, Revision
from brignb.model.gateway import Gateway, Ignore, Inbound, Refuse, Take
from brignb.model.projects import Project

SECRETS = {
    "shared_secret": "github-s3cret",
    "registry_secret": "registry-s3cret",
    "generic_gateway_secret": "simple-s3cret",
}
PROJECT = Project(name="owner/repo", **SECRETS)
MIB = 1024 * 1024


def inbound(body: bytes, *, path=None, headers=None, query=None) -> Inbound:
    return Inbound(path=path or {}, headers=headers or {}, query=query or {}, body=body, at=0)


def github(body: bytes) -> Inbound:
    digest = hmac.new(SECRETS["shared_secret"].encode(), body, hashlib.sha256).hexdigest()
    headers = {"x-hub-signature-256": f"sha256={digest}", "x-github-event": "push", "x-github-delivery": "d"}
    return inbound(body, headers=headers, path={"owner": "owner", "repo": "repo"})


def registry(body: bytes) -> Inbound:
    return inbound(body, path={"owner": "owner", "repo": "repo"}, query={"secret": SECRETS["registry_secret"]})


def simple(body: bytes) -> Inbound:
    return inbound(body, path={"project": "owner/repo", "secret": SECRETS["generic_gateway_secret"]})


def cloudevents(body: bytes) -> Inbound:
    headers = {"content-type": "application/cloudevents+json"}
    return inbound(body, path={"project": "owner/repo", "secret": SECRETS["generic_gateway_secret"]}, headers=headers)


@dataclass(frozen=True)
class Case:
    """A gateway, how its sender proves itself, and how others do not."""

    gateway: Gateway
    proven: Callable[[bytes], Inbound]
    unproven: Callable[[Inbound], Inbound]
    body: Any
    limit: int
    source: str = ""


CASES = [
    Case(
        GitHub(),
        github,
        lambda good: replace(good, headers={**good.headers, "x-hub-signature-256": "sha256=" + "0" * 64}),
        bodies.github()["push"][0],
        25 * MIB,
    ),
    Case(
        Registry(),
        registry,
        lambda good: replace(good, query={"secret": "wrong"}),
        bodies.registries()["acr push"],
        MIB,
    ),
    Case(Simple(), simple, lambda good: replace(good, path={**good.path, "secret": "wrong"}), {"ref": "main"}, MIB),
    Case(
        CloudEvents(),
        cloudevents,
        lambda good: replace(good, path={**good.path, "secret": "wrong"}),
        {"specversion": "1.0", "id": "1", "source": "/ours", "type": "com.example.made", "data": {"ref": "main"}},
        MIB,
        "/ours",
    ),
]


@pytest.fixture(params=CASES, ids=lambda case: case.gateway.name)
def case(request):
    return request.param


def test_a_proven_request_is_taken(case):
    """The draft says which gateway took it, so that deliveries are told apart; the payload is the body as received."""
    good = case.proven(json.dumps(case.body).encode())
    assert case.gateway.project(good) == PROJECT.name
    verdict = case.gateway.judge(good, PROJECT)
    assert isinstance(verdict, Take)
    for draft in verdict.drafts:
        assert (draft.gateway, draft.source) == (case.gateway.name, case.source or case.gateway.name)
        assert draft.payload == good.body.decode()
        assert all(isinstance(key, DedupeKey) and key.ttl_ms > 0 for key in draft.keys)


def test_a_project_that_does_not_exist_answers_as_a_bad_proof_does(case):
    """Else a stranger learns which projects there are; a request that is proven for another project gets the same words."""
    good = case.proven(json.dumps(case.body).encode())
    bad = case.unproven(good)
    answers = [case.gateway.judge(bad, PROJECT), case.gateway.judge(bad, None), case.gateway.judge(good, None)]
    assert {type(answer) for answer in answers} == {Refuse}
    assert [answer.status for answer in answers] == [401, 401, 401]
    assert answers[0].error.to_json() == answers[1].error.to_json() == answers[2].error.to_json()


def test_a_name_that_no_project_can_have_answers_the_same(case):
    """It is refused before a store is asked, in the words of the rest."""
    good = case.proven(json.dumps(case.body).encode())
    odd = replace(good, path={**good.path, "owner": "..", "project": "../x"})
    answer = case.gateway.project(odd)
    assert isinstance(answer, Refuse)
    assert answer.error.to_json() == case.gateway.judge(case.unproven(good), PROJECT).error.to_json()


def test_the_body_is_not_read_before_the_proof(case):
    """Malformed bodies of strangers are 401, not 400: nothing of them has been looked at."""
    bad = case.unproven(case.proven(b"{"))
    assert case.gateway.judge(bad, PROJECT).status == 401
    assert not bad._documents
    assert case.gateway.judge(case.proven(b"{"), PROJECT).status == 400


def test_no_answer_shows_a_secret(case):
    """Refusals go to strangers and into logs."""
    for body in (b"{", json.dumps(case.body).encode()):
        good = case.proven(body)
        for request in (good, case.unproven(good)):
            answer = case.gateway.judge(request, PROJECT)
            shown = json.dumps(answer.error.to_json()) + str(answer) if isinstance(answer, Refuse) else repr(answer)
            assert "s3cret" not in shown


def test_a_verdict_is_a_function_of_the_request(case):
    """Asked again, of an equal request, it is equal: a retry of the caller changes nothing."""
    body = json.dumps(case.body).encode()
    good = case.proven(body)
    assert (
        case.gateway.judge(good, PROJECT)
        == case.gateway.judge(good, PROJECT)
        == case.gateway.judge(case.proven(body), PROJECT)
    )


def test_limits_are_the_contracts(case):
    assert {route.limit for route in case.gateway.routes} == {case.limit}


def test_form_encoded_github_is_told_what_to_choose():
    """GitHub's webhook page offers both; 415 says which."""
    for route in GitHub.routes:
        assert route.media_types == ("application/json",)
        assert "application/json" in route.media_hint


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([
        "action", "ref", "after", "deleted", "head_commit", "id", "pull_request", "number", "head", "sha", "package", "commit",
        "author_association", "events", "target", "mediaType", "type", "event_data", "resources", "push_data", "repository",
        "registry_package", "package_version", "container_metadata", "tag", "docker_url", "homepage", "updated_tags", "data",
        "specversion", "request", "host", "release", "check_run", "check_suite", "full_name", "zen", "hook_id", "review",
    ]), inner, max_size=6),
    max_leaves=30,
)  # fmt: skip
HEADERS = st.dictionaries(
    st.sampled_from([
        "x-github-event", "x-github-delivery", "x-hub-signature", "authorization", "idempotency-key", "content-type",
        "ce-id", "ce-source", "ce-type", "ce-specversion", "ce-time",
    ]),
    st.sampled_from([
        "push", "pull_request", "package", "create", "Bearer x", "1.0", "%C0%A0", '"a\\"b"', "text/plain",
        "application/json", "application/cloudevents+json", "application/cloudevents-batch+json", "application/cloudevents+avro",
    ]) | st.text(st.characters(max_codepoint=255), max_size=30),
)  # fmt: skip
TEXTS = st.dictionaries(st.sampled_from(["commit", "secret", "owner", "repo", "project"]), st.text(max_size=30))


@given(body=JSON.map(lambda value: json.dumps(value).encode()) | st.binary(), headers=HEADERS, query=TEXTS, path=TEXTS)
@pytest.mark.parametrize("which", CASES, ids=lambda case: case.gateway.name)
def test_whatever_is_sent_there_is_a_verdict(which, body, headers, query, path):
    """Proven or not, no header, path, query or body makes a gateway raise; what it takes can be stored."""
    good = which.proven(body)
    for request in (
        inbound(body, headers=headers, query=query, path=path),
        replace(good, headers={**good.headers, **headers}, query={**query, **good.query}, path={**path, **good.path}),
    ):
        assert isinstance(which.gateway.project(request), str | Refuse)
        for project in (PROJECT, None, Project(name="owner/repo")):
            verdict = which.gateway.judge(request, project)
            assert isinstance(verdict, Take | Ignore | Refuse)
            if isinstance(verdict, Refuse):
                assert verdict.status in {400, 401, 415}
            elif isinstance(verdict, Take):
                assert project is not None
                assert verdict.drafts
                for draft in verdict.drafts:
                    assert isinstance(draft.revision, Revision)
                    assert isinstance(draft.image, Image | None)
                    json.dumps([draft.type, draft.payload, draft.revision.to_json(), [key.value for key in draft.keys]])


@pytest.fixture
async def client():
    """A Starlette application that answers with what each route's path says."""

    def route(gateway: Gateway, path: str) -> StarletteRoute:
        async def answer(request):
            asked = inbound(b'{"repository": {"full_name": "owner/repo"}}', path=request.path_params)
            named = gateway.project(asked)
            named = named if isinstance(named, str) else named.status
            return JSONResponse({**request.path_params, "gateway": gateway.name, "project": named})

        return StarletteRoute(path, answer, methods=["POST"])

    app = Starlette(routes=[route(case.gateway, one.path) for case in CASES for one in case.gateway.routes])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://brignb") as made:
        yield made


@pytest.mark.parametrize(
    ("url", "gateway", "project", "rest"),
    [
        ("/events/github", "github", "owner/repo", {}),
        ("/events/github/o/r", "github", "o/r", {}),
        ("/events/github/%2e%2e/r", "github", 401, {}),
        ("/events/webhook/o/r", "registry", "o/r", {}),
        ("/events/webhook/o/r/master", "registry", "o/r", {"commit": "master"}),
        ("/events/webhook/o/r/feature%2Fx", "registry", "o/r", {"commit": "feature/x"}),
        (f"/events/webhook/{PROJECT.id}", "registry", PROJECT.id, {}),
        (f"/simpleevents/v1/{PROJECT.id}/s3cret", "simple", PROJECT.id, {"secret": "s3cret"}),
        ("/simpleevents/v1/owner%2Frepo/s3cret", "simple", "owner/repo", {"secret": "s3cret"}),
        ("/simpleevents/v1/owner/repo/s3cret", "simple", "owner/repo", {"secret": "s3cret"}),
        ("/simpleevents/v1/owner%2F..%2Frepo/s3cret", "simple", 401, {"secret": "s3cret"}),
        (f"/cloudevents/v1/{PROJECT.id}/s3cret", "cloudevents", PROJECT.id, {"secret": "s3cret"}),
        ("/cloudevents/v1/owner%2Frepo/s3cret", "cloudevents", "owner/repo", {"secret": "s3cret"}),
    ],
)
async def test_the_contracts_routes(client, url, gateway, project, rest):
    """In Starlette's notation, as a server hands them over: percent-decoded, an encoded slash too."""
    answer = (await client.post(url)).json()
    assert (answer["gateway"], answer["project"]) == (gateway, project)
    assert rest.items() <= answer.items()
