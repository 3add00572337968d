"""Webhooks over a real socket: what senders are told, and that it is true."""

import asyncio
import json

from appsite import SIMPLE_SECRET

from brignb.errors import Unavailable

MIB = 1024 * 1024
NOBODY = "somebody/else"


async def test_accepted_is_durable_and_wakes_the_controller(site, make_push):
    await site.create()
    answer = await site.github(make_push())
    assert answer.status_code == 202
    told = answer.json()
    assert told["status"] == "accepted"
    build = await site.store.build(told["build"])
    assert (build.event_id, build.event_type, build.project) == (told["event"], "push", "owner/repo")
    assert site.woken == [1]


async def test_a_delivery_seen_before_has_its_first_ids(site, make_push):
    await site.create()
    body = make_push()
    first = await site.github(body)
    again = await site.github(body)
    assert again.status_code == 200
    assert again.json() == {**first.json(), "status": "duplicate"}


async def test_what_is_ignored_says_why(site, make_push):
    await site.create()
    answer = await site.github(make_push(), x_github_event="ping")
    assert (answer.status_code, answer.json()) == (200, {"status": "ignored", "reason": "ping"})


async def test_an_envelope_answers_each_of_its_events(site):
    await site.create()
    manifest = "application/vnd.docker.distribution.manifest.v2+json"
    elements = [
        {
            "id": f"id-{n}",
            "action": "push",
            "target": {"mediaType": manifest, "repository": "a/b", "tag": str(n), "digest": "sha256:0"},
            "request": {"host": "r.example.com"},
        }
        for n in range(2)
    ]
    answer = await site.stranger.post("/events/webhook/owner/repo", json={"events": elements})
    assert answer.status_code == 202, answer.text
    assert [each["status"] for each in answer.json()["events"]] == ["accepted", "accepted"]
    again = await site.stranger.post("/events/webhook/owner/repo", json={"events": elements})
    assert again.status_code == 200
    assert [each["status"] for each in again.json()["events"]] == ["duplicate", "duplicate"]


async def test_nobodys_project_and_a_bad_signature_are_told_the_same(site, make_push, refused):
    await site.create()
    wrong = await site.github(make_push(), secret="another")
    nobody = await site.github(make_push(NOBODY))
    assert refused(wrong, 401) == refused(nobody, 401)
    assert wrong.headers.raw[1:] == nobody.headers.raw[1:]


async def test_a_project_deleted_while_it_is_judged_was_never_there(site_with, services, make_push, refused):
    """Between the look-up and the commit a project may go; the sender must not learn that it had been there."""

    class Late:
        def __getattr__(self, name):
            return getattr(services.store, name)

        async def accept(self, arrivals):
            await services.store.delete_project("owner/repo")
            return await services.store.accept(arrivals)

    async with site_with(store=Late()) as site:
        await site.create()
        gone = refused(await site.github(make_push()), 401)
        assert gone == refused(await site.github(make_push(NOBODY)), 401)


async def test_unproven_senders_are_refused(site, make_push, refused):
    await site.create()
    for headers in [
        {"x_hub_signature_256": ""},
        {"x_hub_signature_256": "sha256=" + "0" * 64},
        {"x_hub_signature_256": "sha256="},
        {"x_hub_signature_256": "caf\u00e9"},
        {"x_hub_signature_256": "", "x_hub_signature": "sha1=" + "0" * 40},
    ]:
        refused(await site.github(make_push(), **headers), 401)
    assert (await site.user.get("/api/builds")).json()["items"] == []


async def test_bodies_that_are_no_json_are_bad_input_with_a_place(site, refused):
    await site.create()
    for body in [
        b"[" * 100_000,
        b'{"repository": {"full_name": "owner/repo"}, "x": NaN}',
        b'{"repository": {"full_name": "owner/repo"}, "x": "\\ud800"}',
        b'{"repository": {"full_name": "owner/repo"}, "x": "\x00"}',
        b'{"repository": {"full_name": "owner/repo"}, "x": "\xff"}',
        b'{"repository": {"full_name": "owner/repo", "full_name": "a/b"}}',
        b"",
        b"{",
    ]:
        assert refused(await site.github(body), 400)["where"]


async def test_what_is_compressed_or_of_another_type_is_not_read(site, make_push, refused):
    await site.create()
    refused(await site.github(make_push(), content_encoding="deflate"), 415)
    hint = refused(await site.github(make_push(), content_type="application/x-www-form-urlencoded"), 415)["hint"]
    assert "application/json" in hint


async def test_a_body_that_is_too_large_is_refused_and_its_sender_hears_of_it(site, refused):
    answer = await site.github(b"x" * (26 * MIB))
    refused(answer, 413)
    assert (await site.stranger.get("/healthz")).status_code == 200


async def test_a_sender_that_asks_first_is_refused_before_it_sends(site):
    head = b"POST /events/github HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n"
    answer = await _raw(site, head + b"Content-Length: 27000000\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413")


async def test_a_chunked_body_is_refused_once_it_is_too_large(site, refused):
    async def chunks():
        for _ in range(32):
            yield b"x" * 65536

    refused(await site.stranger.post("/simpleevents/v1/owner%2Frepo/s", content=chunks()), 413)


async def test_a_body_at_the_limit_is_taken(site):
    await site.create()
    body = json.dumps({"x": "y" * (25 * MIB - 200), "repository": {"full_name": "owner/repo"}}).encode()
    assert (await site.github(body)).status_code == 202


async def test_a_length_that_is_no_number_is_bad_input(site):
    """Over a raw socket, since no client would send it; the server in front of us may refuse it first."""
    answer = await _raw(site, b"POST /events/github HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400")


async def test_a_store_that_cannot_store_says_when_to_come_back(site_with, services, make_push, refused):
    class Full:
        def __getattr__(self, name):
            return getattr(services.store, name)

        async def accept(self, _arrivals):
            raise Unavailable("the disk is full", where="sqlite:////srv/home/brignb.db")

    async with site_with(store=Full()) as site:
        await site.create()
        answer = await site.github(make_push())
        refused(answer, 503)
        assert "/srv" not in answer.text, "a sender learns nothing of this machine"
        assert int(answer.headers["retry-after"]) > 0


async def test_registries_are_taken_only_where_they_are_asked_for(site_with, refused):
    async with site_with(cr=False) as site:
        await site.create()
        error = refused(await site.stranger.post("/events/webhook/owner/repo", json={}), 404)
        assert "--cr" in error["hint"]


async def test_a_cloudevent_may_be_announced_and_is_then_taken(site, refused):
    """Azure's Event Grid and others ask by OPTIONS first; whoever does not know the secret is granted nothing."""
    await site.create()
    url, asks = "/cloudevents/v1/owner%2Frepo", {"webhook-request-origin": "eventgrid.azure.net"}
    answer = await site.stranger.options(f"{url}/{SIMPLE_SECRET}", headers=asks)
    assert answer.status_code == 200
    assert answer.headers["webhook-allowed-origin"] == "eventgrid.azure.net"
    assert answer.headers["allow"] == "POST"
    for stranger in (f"{url}/wrong", "/cloudevents/v1/no%2Fproject/x", "/cloudevents/v1/../x"):
        answer = await site.stranger.options(stranger, headers=asks)
        assert "webhook-allowed-origin" not in answer.headers
    batch = [{"specversion": "1.0", "id": str(n), "source": "/s", "type": "made", "data": n} for n in range(2)]
    headers = {"content-type": "application/cloudevents-batch+json"}
    answer = await site.stranger.post(f"{url}/{SIMPLE_SECRET}", json=batch, headers=headers)
    assert answer.status_code == 202
    first, second = answer.json()["events"]
    event = (await site.user.get(f"/api/events/{second['event']}")).json()
    assert (event["type"], event["source"], json.loads(event["payload"])["data"]) == ("made", "/s", 1)
    assert event["attributes"] == {"specversion": "1.0", "id": "1", "source": "/s", "type": "made"}
    again = await site.stranger.post(f"{url}/{SIMPLE_SECRET}", json=batch[:1], headers=headers)
    assert (again.status_code, again.json()["events"][0]["build"]) == (200, first["build"])


async def test_no_browser_sends_webhooks(site, make_push, refused):
    """A page that a user of this machine has open must not raise events at an unsigned route."""
    await site.create()
    refused(await site.stranger.post("/events/webhook/owner/repo", json={}, headers={"origin": site.url}), 403)
    refused(await site.github(make_push(), sec_fetch_site="same-origin"), 403)


async def test_a_gateway_is_reached_by_any_name(site, make_push):
    """Webhooks come through tunnels and proxies, whose names nobody tells the server."""
    await site.create()
    assert (await site.github(make_push(), host="ci.example.com")).status_code == 202


async def test_simple_events_keep_their_secret_out_of_errors(site, refused):
    await site.create()
    answer = await site.stranger.get("/simpleevents/v1/owner%2Frepo/a-simple-secret")
    refused(answer, 405)
    assert "a-simple-secret" not in answer.text
    ok = await site.stranger.post("/simpleevents/v1/owner%2Frepo/a-simple-secret", json={"ref": "main"})
    assert ok.status_code == 202


async def test_a_caller_that_hangs_up_half_way_leaves_nothing(site):
    await site.create()
    reader, writer = await asyncio.open_connection(*site.address)
    writer.write(
        b"POST /events/github HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
    )
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    del reader
    assert (await site.stranger.get("/healthz")).status_code == 200
    assert (await site.user.get("/api/events")).json()["items"] == []


async def _raw(site, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(*site.address)
    writer.write(request)
    async with asyncio.timeout(10):
        answer = await reader.read(65536)
    writer.close()
    await writer.wait_closed()
    return answer
