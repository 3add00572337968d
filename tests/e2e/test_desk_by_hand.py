"""The desk, word by word over a socket: what each is answered, whichever server hears it, and how often it is said."""

from __future__ import annotations

import json
import signal
from threading import Timer

import httpx
import pytest
from e2e.conftest import Pipeline, Server

from brignb.model.tokens import Tokens
from brignb.store.sealing import load_key

pytestmark = pytest.mark.slow

P, Q = "tests/held", "tests/other"
ENDED = {"state": "succeeded", "reason": None, "message": None}


class Hand:
    """Servers without workers of their own, and who says a worker's words to them."""

    def __init__(self, servers):
        self.servers = servers
        self.api = servers[0]
        self.tokens = Tokens(load_key(self.api.home / "key"))
        for project in (P, Q):
            file = Pipeline.file(project, None, defaultNotebook=Pipeline.notebook("print(1)"))
            assert self.api.create(file).status_code == 201

    def raised(self, project=P, **more):
        answer = self.api.http.post(f"/api/projects/{project}/events", json={"type": "push", **more})
        return answer.json()["build"]

    def says(self, token, method, path, server=None, **options):
        """A worker's word to one of the servers; its answer."""
        url = f"{(server or self.api).url}/api/worker/{path}"
        return httpx.request(method, url, headers={"authorization": f"Bearer {token}"}, timeout=30, **options)

    def next(self, worker="by-hand", project=P, server=None, seconds=4):
        """The next build's offer; None when none came."""
        answer = self.says(
            self.tokens.pool(project), "POST", f"next?seconds={seconds}", server, json={"worker": worker}
        )
        return answer.raise_for_status().json() if answer.content else None

    def build(self, build_id):
        return self.api.build(build_id)


@pytest.fixture(params=["sqlite", "postgresql"])
def hand(tmp_path, request, monkeypatch):
    """One server on SQLite; two APIs and a controller on PostgreSQL."""
    args = [("--workers", "0")]
    if request.param == "postgresql":
        monkeypatch.setenv("BRIGNB_STORE", request.getfixturevalue("postgresql")())
        args = [("--parts", "api"), ("--parts", "api"), ("--parts", "controller", "--workers", "0")]
    servers = []
    try:
        for number, words in enumerate(args):
            keys = ("--key-file", str(servers[0].home / "key")) if number else ()
            made = Server(tmp_path / f"home-{number}", *words, *keys)
            if number:
                (tmp_path / f"home-{number}").mkdir(mode=0o700)
                (tmp_path / f"home-{number}" / "token").write_text((servers[0].home / "token").read_text())
                (tmp_path / f"home-{number}" / "token").chmod(0o600)
            servers.append(made.start())
        yield Hand(servers)
    finally:
        for server in servers[::-1]:
            if server.process.poll() is None:
                server.stop()


def test_any_server_hears_the_next_word(hand):
    """A build's life, each word told to another server than the one before: nothing of it is kept in one of them."""
    apis = [server for server in hand.servers if "controller" not in server.args]
    first, second = apis[0], apis[-1]
    build = hand.raised()
    offer = hand.next(server=second)
    assert (offer["assignment"]["build_id"], offer["assignment"]["attempt"]) == (build, 1)
    assert offer["secrets"] == {"CANARY": Pipeline.canary}
    token = offer["token"]
    for number, (method, path, words, answer) in enumerate(
        [
            ("POST", "renew", {}, 200),
            ("GET", "source", {}, 404),
            ("GET", "streams", {}, 200),
            ("POST", "started", {}, 204),
            ("POST", "streams/worker?offset=0", {"content": b"2026-01-01T00:00:00.000000Z stdout F one\n"}, 204),
            ("POST", "events", {"json": {"type": "deploy", "payload": "{}"}}, 202),
            ("POST", "spill/out.txt?offset=0", {"content": b"12345"}, 204),
            ("PUT", "documents/record.ipynb", {"content": Pipeline.notebook("print(1)").encode()}, 204),
            ("POST", "finished", {"json": ENDED}, 204),
        ]
    ):
        said = hand.says(token, method, path, (first, second)[number % 2], **words)
        assert said.status_code == answer, (path, said.text)
    ended = first.build(build)
    assert ended["state"] == "succeeded"
    assert "one" in second.http.get(f"/api/builds/{build}/logs").text
    assert first.record(build)["cells"]
    assert hand.next()["assignment"]["event"]["type"] == "deploy"


def test_a_build_that_comes_is_offered_at_once(hand):
    """Who waits at another server is woken by the commit, not by its own patience."""
    Timer(0.5, hand.raised).start()
    server = hand.servers[1] if len(hand.servers) > 1 else hand.api
    assert hand.next(server=server, seconds=20) is not None


def test_words_that_are_said_twice_have_happened_once(hand):
    """Their answers were lost; the worker cannot know, and says each again."""
    build = hand.raised()
    offer = hand.next()
    assert hand.next() == offer, "the build is not begun, so that its worker gets it again"
    assert hand.next("another", seconds=0) is None
    token, line = offer["token"], b"2026-01-01T00:00:00.000000Z stdout F one\n"
    job = f"greet-{build.lower()}"
    facts = {"id": job, "name": "greet", "state": "succeeded", "started_at": 1, "finished_at": 2}
    events = []
    for _time in range(2):
        assert hand.says(token, "POST", "started").status_code == 204
        assert hand.says(token, "POST", "streams/worker?offset=0", content=line).status_code == 204
        assert hand.says(token, "POST", f"streams/{job}?offset=0", content=line).status_code == 204
        assert hand.says(token, "POST", "jobs", json=facts).status_code == 204
        assert hand.says(token, "POST", "spill/x?offset=0", content=b"12345").status_code == 204
        said = httpx.post(
            f"{hand.api.url}/api/worker/events",
            json={"type": "deploy", "payload": ""},
            headers={"authorization": f"Bearer {token}", "idempotency-key": "one-emit"},
        )
        events.append(said.json()["event"])
    for _time in range(2):
        assert hand.says(token, "POST", "finished", json=ENDED).status_code == 204
    assert hand.says(token, "POST", "finished", json={**ENDED, "state": "failed"}).status_code == 204
    assert events[0] == events[1]
    ended = hand.build(build)
    assert (ended["state"], [each["state"] for each in ended["jobs"]]) == ("succeeded", ["succeeded"])
    assert hand.api.http.get(f"/api/builds/{build}/logs", params={"job": job}).text.count("one") == 1


def test_other_bytes_at_a_place_that_is_taken_are_refused(hand):
    """Two writers of one stream would tell two stories; a gap would lose lines unseen."""
    hand.raised()
    token = hand.next()["token"]
    assert hand.says(token, "POST", "streams/journal?offset=0", content=b"{}\n").status_code == 204
    assert hand.says(token, "POST", "streams/journal?offset=0", content=b"[]\n").status_code == 400
    assert hand.says(token, "POST", "streams/journal?offset=9", content=b"{}\n").status_code == 400


EVERY_WORD = [
    ("POST", "renew", {}),
    ("GET", "source", {}),
    ("GET", "streams", {}),
    ("POST", "started", {}),
    ("POST", "jobs", {"json": {"id": "greet-01jv3zq8m4t7y2k9r5w6x0abcd", "name": "greet", "state": "running"}}),
    ("POST", "streams/worker?offset=0", {"content": b"x\n"}),
    ("POST", "spill/x?offset=0", {"content": b"x"}),
    ("PUT", "documents/record.ipynb", {"content": b"{}"}),
    ("PUT", "artifacts/greet-01jv3zq8m4t7y2k9r5w6x0abcd", {"content": b""}),
    ("POST", "events", {"json": {"type": "deploy"}}),
    ("POST", "finished", {"json": ENDED}),
]


def test_an_attempt_that_is_over_is_not_heard(hand):
    """Its worker was believed dead, and another one has the build: whatever it says is 409 and changes nothing."""
    build = hand.raised()
    old = hand.next()["token"]
    lost = {"state": "lost", "reason": "worker_died", "message": "its process died"}
    assert hand.says(old, "POST", "finished", json=lost).status_code == 204
    offer = hand.next("another")
    assert (offer["assignment"]["build_id"], offer["assignment"]["attempt"]) == (build, 2)
    for method, path, words in EVERY_WORD:
        said = hand.says(old, method, path, **words)
        assert said.status_code == 409, (path, said.text)
        assert said.json()["error"]["where"] == f"build {build}"
    facts = hand.build(build)
    assert (facts["state"], facts["attempt"], facts["jobs"]) == ("running", 2, [])
    assert hand.says(offer["token"], "GET", "streams").json()["journal"] == 0
    assert hand.says(offer["token"], "POST", "renew").status_code == 200


def test_a_token_opens_what_it_names_and_nothing_else(hand):
    """Of another project, of another build, of the pool, of nobody; and the API's own is no worker's."""
    mine, others = hand.raised(), hand.raised(Q)
    assert hand.next(project=Q)["assignment"]["build_id"] == others
    offer = hand.next()
    assert offer["assignment"]["build_id"] == mine, "a project's pool gets its own builds only"
    api_token = (hand.api.home / "token").read_text().strip()
    forged = offer["token"].replace(mine, others)
    for token in ("x", api_token, forged, offer["token"][:-1] + "0" * 2, f"brignb-build.{others}.1."):
        for method, path, words in (*EVERY_WORD, ("POST", "take", {"json": {"worker": "w"}})):
            assert hand.says(token, method, path, **words).status_code == 401, (token, path)
    for method, path, words in EVERY_WORD:  # a pool's token speaks of no build
        assert hand.says(hand.tokens.pool(P), method, path, **words).status_code == 401, path
    assert hand.says(offer["token"], "POST", "next?seconds=0", json={"worker": "w"}).status_code == 401
    answer = httpx.get(f"{hand.api.url}/api/builds", headers={"authorization": f"Bearer {offer['token']}"})
    assert answer.status_code == 401
    assert hand.says(hand.tokens.pool("tests/gone"), "POST", "next?seconds=0", json={"worker": "w"}).status_code == 404


def test_a_server_that_is_killed_between_two_words(hand):
    """The next one, started on the same store, hears the rest as if nothing had been; a build that is held stays with its worker."""
    build = hand.raised()
    token = hand.next()["token"]
    assert hand.says(token, "POST", "started").status_code == 204
    line = b"2026-01-01T00:00:00.000000Z stdout F one\n"
    assert hand.says(token, "POST", "streams/worker?offset=0", content=line).status_code == 204
    for server in hand.servers:
        server.stop(signal.SIGKILL)
    for server in hand.servers:
        server.start()
    assert (hand.build(build)["state"], hand.build(build)["attempt"]) == ("running", 1)
    assert hand.says(token, "GET", "streams").json()["worker"] == len(line)
    more = b"2026-01-01T00:00:00.000001Z stdout F two\n"
    assert hand.says(token, "POST", f"streams/worker?offset={len(line)}", content=more).status_code == 204
    assert hand.says(token, "POST", "finished", json=ENDED).status_code == 204
    assert hand.build(build)["state"] == "succeeded"
    log = hand.api.http.get(f"/api/builds/{build}/logs").text
    assert (log.count("one"), log.count("two")) == (1, 1)


@pytest.mark.parametrize("hand", ["postgresql"], indirect=True)  # a lease takes its time, whatever the store
def test_a_worker_that_falls_silent_loses_its_build(hand):
    """Before its first cell the build is queued again, and somebody else has it; after it, without `retries`, it is lost."""
    build = hand.raised()
    first = hand.next()
    offer = hand.next("another", seconds=20) or hand.next("another", seconds=20)
    assert (offer["assignment"]["build_id"], offer["assignment"]["attempt"]) == (build, 2)
    assert hand.says(first["token"], "POST", "started").status_code == 409
    assert hand.says(offer["token"], "POST", "started").status_code == 204
    ended = hand.api.ended(build)
    assert (ended["state"], ended["reason"]) == ("lost", "worker_lost")
    assert json.loads(hand.api.http.get(f"/api/builds/{build}/record").text)["cells"]


@pytest.mark.parametrize("hand", ["sqlite"], indirect=True)  # likewise
def test_who_is_asked_to_end_and_does_not(hand):
    """It is told at its next renewal, and then its lease runs out though it goes on renewing: the build is canceled, not lost."""
    build = hand.raised()
    token = hand.next()["token"]
    assert hand.says(token, "POST", "started").status_code == 204
    assert hand.says(token, "POST", "renew").json()["cancel"] is False
    hand.api.http.post(f"/api/builds/{build}/cancel")
    assert hand.says(token, "POST", "renew").json()["cancel"] is True
    ended = hand.api.ended(build)
    assert (ended["state"], ended["reason"]) == ("canceled", "canceled")
    assert hand.says(token, "POST", "renew").status_code == 409
