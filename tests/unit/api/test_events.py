"""`/api/events`, and events raised by the API's callers."""

import pytest

from brignb.api.shapes import AcceptedShape, EventPage, EventShape

URL = "/api/projects/owner/repo/events"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
async def project(site):
    await site.create()
    return site


async def test_a_raised_event_is_answered_as_a_gateway_does(project):
    answer = await project.user.post(URL, json={"type": "deploy", "payload": {"to": "staging"}})
    assert answer.status_code == 202
    AcceptedShape.model_validate(answer.json())
    event = await project.store.event(answer.json()["event"])
    assert (event.type, event.source, event.data, event.build_id) == (
        "deploy",
        "api",
        {"to": "staging"},
        answer.json()["build"],
    )
    assert (await project.store.build(event.build_id)).any_commit
    assert project.woken == [1]


async def test_a_text_is_the_payload_as_it_is(project):
    text = '{"a" : 1.0}'
    answer = await project.user.post(URL, json={"type": "x", "payload": text, "source": "cli"})
    event = (await project.user.get(f"/api/events/{answer.json()['event']}")).json()
    assert (event["payload"], event["source"]) == (text, "cli")
    EventShape.model_validate(event)


async def test_the_same_key_is_the_same_event(project):
    first, again, other = [
        await project.user.post(URL, json={"type": "x"}, headers={"idempotency-key": key}) for key in ("k", "k", "l")
    ]
    assert (first.status_code, again.status_code, other.status_code) == (202, 200, 202)
    assert again.json() == {**first.json(), "status": "duplicate"}


@pytest.mark.parametrize(
    ("revision", "stored"),
    [
        ({"commit": COMMIT.upper()}, {"commit": COMMIT, "ref": None}),
        ({"commit": "main"}, {"commit": None, "ref": "main"}),
        ({"ref": COMMIT}, {"commit": COMMIT, "ref": None}),
        ({"commit": COMMIT, "ref": "main"}, {"commit": COMMIT, "ref": "main"}),
        ({}, {"commit": None, "ref": None}),
    ],
)
async def test_forty_hex_digits_are_a_commit_and_all_else_a_ref(project, revision, stored):
    build = await project.raised(revision=revision)
    assert (await project.user.get(f"/api/builds/{build}")).json()["event"]["revision"] == stored


async def test_what_is_no_event_is_bad_input_with_its_place(project, refused):
    for body, where in [
        (b"", ""),
        (b"{", "line 1"),
        (b"[]", "body"),
        (b"{}", "type"),
        (b'{"type": ""}', "type"),
        (b'{"type": 1}', "type"),
        (b'{"type": "*"}', "type"),
        (b'{"type": "a\\u001b[2J"}', "type"),  # a terminal would obey
        (b'{"type": "x", "more": 1}', "more"),
        (b'{"type": "x", "source": "github"}', "source"),
        (b'{"type": "x", "revision": {"ref": "--upload-pack=evil"}}', "revision"),
        (b'{"type": "x", "revision": {"ref": 1}}', "revision.ref"),
        (b'{"type": "x", "payload": NaN}', "line 1"),
        (b'{"type": "x", "payload": "\\ud800"}', "line 1"),
        (b'{"type": "x", "payload": "\xff"}', "line 1"),
        (b'{"type": "x", "payload": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "line 1"),
    ]:
        error = refused(await project.user.post(URL, content=body), 400)
        assert error["where"].startswith(where)
    assert (await project.user.get("/api/events")).json()["items"] == []


async def test_an_event_that_is_too_large_is_refused(project, refused):
    refused(await project.user.post(URL, content=b" " * (26 * 1024 * 1024)), 413)


async def test_an_escaped_nul_is_data(project):
    build = await project.raised(payload="a\x00b")
    event = (await project.store.build(build)).event_id
    assert (await project.user.get(f"/api/events/{event}")).json()["payload"] == "a\x00b"


async def test_a_page_of_events_is_newest_first_and_without_payloads(project):
    for number in range(3):
        await project.raised(type=f"e{number}", payload="to be left out")
    first = (await project.user.get("/api/events", params={"project": "owner/repo", "limit": 2})).json()
    EventPage.model_validate(first)
    rest = (await project.user.get("/api/events", params={"limit": 2, "cursor": first["next"]})).json()
    assert [event["type"] for event in first["items"] + rest["items"]] == ["e2", "e1", "e0"]
    assert rest["next"] is None
    assert "left out" not in str(first)


async def test_an_event_that_is_not_there_is_not_found(project, refused):
    refused(await project.user.get("/api/events/01JAAAAAAAAAAAAAAAAAAAAAAA"), 404)
    refused(await project.user.get("/api/events/..%2f..%2fkey"), 404)
