"""`brignb serve --parts`: gateways, API and controller as processes apart, on one database."""

from __future__ import annotations

import json
import subprocess
import sys

import httpx
import pytest
from e2e.conftest import Server

pytestmark = pytest.mark.slow


@pytest.fixture
def part(tmp_path, postgresql, monkeypatch):
    """Starts parts of one server, on one home and one database."""
    monkeypatch.setenv("BRIGNB_STORE", postgresql())
    running = []

    def start(parts, *args, home="home"):
        made = Server(tmp_path / home, "--parts", parts, *args)
        made.log = tmp_path / f"{parts}-{len(running)}.log"
        running.append(made.start())
        return made

    yield start
    for made in running[::-1]:
        if made.process.poll() is None:
            made.stop()


def test_what_one_process_takes_another_builds_and_a_third_tells_live(part, repository, pipeline):
    """Two gateways, API and controller: the event's build is followed while it runs, canceled from elsewhere, and kept; a project is
    known to the gateway that has looked for it before it was there."""
    github, generic, api, _controller = map(part, ("github", "generic", "api", "controller"))
    commit = repository.commit(pipeline.notebook("print('first line')\nimport time; time.sleep(600)"))
    assert github.push("tests/parts", commit).status_code == 401
    assert api.create(pipeline.file("tests/parts", repository.url, genericGatewaySecret="sesame-1")).status_code == 201
    answer = github.push("tests/parts", commit)
    assert answer.status_code == 202, answer.text
    build = answer.json()["build"]
    with api.http.stream("GET", f"/api/builds/{build}/logs", params={"follow": "1"}) as log:
        lines = log.iter_lines()
        while "first line" not in next(lines):
            pass
        assert api.build(build)["state"] == "running"
        assert api.http.post(f"/api/builds/{build}/cancel").json()["state"] == "running"
        for _line in lines:  # to the build's end
            pass
    assert api.build(build)["state"] == "canceled"
    repository.commit(pipeline.notebook("print('another')"))
    answer = httpx.post(f"{generic.url}/simpleevents/v1/tests%2Fparts/sesame-1", json={"ref": "master"})
    assert answer.status_code == 202, answer.text
    assert api.ended(answer.json()["build"])["state"] == "succeeded"


def test_each_part_has_its_own_routes_and_health(part):
    """A gateway is no API, and the API takes no webhooks."""
    github, api, controller = map(part, ("github", "api", "controller"))
    for server in (github, api, controller):
        assert server.http.get("/healthz").status_code == 200
        assert server.http.get("/readyz").status_code == 200
        assert httpx.get(f"{server.url}/metrics").status_code == 401
        assert "brignb_" in server.http.get("/metrics").text
    assert [server.http.get("/api/builds").status_code for server in (github, api, controller)] == [404, 200, 404]
    assert [httpx.post(f"{server.url}/events/github").status_code for server in (github, api, controller)] == [
        415,
        404,
        404,
    ]
    assert json.loads((api.home / "server.json").read_text())["url"] == api.url


@pytest.mark.parametrize(
    ("args", "what"),
    [
        (("--parts", "github"), "SQLite has one process"),
        (("--parts", "api"), "SQLite has one process"),
        (("--parts", "githob"), "no such part"),
        (("--parts", ""), "no part at all"),
    ],
)
def test_parts_that_cannot_be_are_refused(tmp_path, args, what):
    command = [sys.executable, "-m", "brignb", "serve", "--home", str(tmp_path / "home"), "--port", "0", *args]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 2
    assert what in ended.stderr
