"""`brignb serve --parts`: gateways, API and controller as processes apart, on one database."""

from __future__ import annotations

import datetime as dt
import json
import signal
import socket
import ssl
import subprocess
import sys

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from e2e.conftest import Pipeline, Server
from e2e.test_postgresql import until
from e2e.witness import Witness

pytestmark = pytest.mark.slow


@pytest.fixture
def part(tmp_path, postgresql, monkeypatch):
    """Starts parts of one server, on one home and one database."""
    monkeypatch.setenv("BRIGNB_STORE", postgresql())
    running = []

    def start(parts, *args, home="home"):
        shared = tmp_path / "home"
        keys = ("--key-file", shared / "key", "--token-file", shared / "token") if home != "home" else ()
        made = Server(tmp_path / home, "--parts", parts, *map(str, keys), *args)
        made.token = shared / "token"
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


def test_who_leads_is_killed_or_stands_still_and_another_one_goes_on(part, repository, pipeline):
    """Three controllers, each on a machine (a home) of its own. The first is killed: the second leads at once. The second is stopped,
    with all its connections open: the third leads when the database has heard nothing of it for ten seconds. What was going on is
    lost, what waits is built once; and the one that stood still, when it goes on, builds nothing, and ends."""
    github, api = map(part, ("github", "api"))
    first = part("controller")
    second = part("controller", home="second")
    api.create(pipeline.file("tests/lead", repository.url))
    with Witness() as witness:
        quick = pipeline.notebook(witness.cell)
        slow = pipeline.notebook(witness.cell.replace("ended", "sleeps") + "\nimport time; time.sleep(600)")

        def pushed(notebook):
            return github.push("tests/lead", repository.commit(notebook)).json()["build"]

        builds = [pushed(quick)]
        assert api.ended(builds[0])["state"] == "succeeded"
        going_on = sleeping(witness, pushed(slow))
        first.stop(signal.SIGKILL)
        builds += [pushed(quick)]
        assert api.ended(builds[1])["state"] == "succeeded"
        assert api.ended(going_on)["state"] == "lost"
        third = part("controller", home="third")
        assert [gauge(each, "brignb_leader") for each in (second, third)] == [1, 0]
        going_on = sleeping(witness, pushed(slow))
        second.process.send_signal(signal.SIGSTOP)
        builds += [pushed(quick) for _ in range(5)]
        assert [api.ended(build)["state"] for build in builds] == ["succeeded"] * len(builds)
        assert api.ended(going_on)["state"] == "lost"
        builds += [pushed(slow)]  # told to both
        second.process.send_signal(signal.SIGCONT)
        assert second.process.wait(timeout=30) == 2
        second.process.stdout.close()
        second.http.close()
        assert "another server has" in second.log.read_text()
        assert gauge(third, "brignb_leader") == 1
        assert api.build(going_on)["state"] == "lost"
        api.http.post(f"/api/builds/{builds[-1]}/cancel")
        assert api.ended(builds[-1])["attempt"] == 1
        assert witness.counts("ended") == dict.fromkeys(builds[:-1], 1)


def sleeping(witness, build):
    """Once its cell sleeps."""
    until(lambda: witness.counts("sleeps")[build])
    return build


def gauge(server, name):
    """One of its metrics."""
    lines = server.http.get("/metrics").text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


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
    assert (
        api.http.post("/api/projects/a/b/listeners", json={}).status_code == 409
    )  # else workers would take its events, too
    assert json.loads((api.home / "server.json").read_text())["url"] == api.url


def test_workers_are_listened_to_by_tls_and_nowhere_else(part, tmp_path):
    """Secrets travel there: the port for people has no such routes then, and that for workers no others."""
    authority = certified(tmp_path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ("--tls-cert", str(tmp_path / "cert"), "--tls-key", str(tmp_path / "cert-key"), "--worker-port", str(port))
    api = part("api", *words)
    context = ssl.create_default_context(cadata=authority)
    with httpx.Client(base_url=f"https://localhost:{port}", verify=context) as worker:
        assert worker.post("/api/worker/renew").json()["error"]["message"] == "this route is for workers"
        assert worker.get("/api/builds").status_code == 404
        assert worker.get("/healthz").status_code == 404
    assert api.http.post("/api/worker/renew").status_code == 404


def test_a_server_that_ends_is_not_ready_and_takes_what_still_comes(part, tmp_path):
    """Senders may not know yet; so it says 503 to probes first, and an event in the meantime is taken as ever."""
    github, api = part("github", "--linger", "3"), part("api")
    api.create(Pipeline.file("tests/late", None, defaultNotebook=Pipeline.notebook("1")))
    github.process.send_signal(signal.SIGTERM)
    while github.http.get("/readyz").status_code == 200:
        pass
    answer = github.push("tests/late", "a" * 40)
    assert answer.status_code == 202
    assert github.process.wait(timeout=30) == 0
    github.process.stdout.close()
    github.http.close()
    assert api.build(answer.json()["build"])["state"] == "pending"


@pytest.mark.parametrize(
    ("args", "what"),
    [
        (("--parts", "github"), "SQLite has one process"),
        (("--parts", "api"), "SQLite has one process"),
        (("--parts", "githob"), "no such part"),
        (("--parts", ""), "no part at all"),
        (("--tls-cert", "/nowhere"), "go together"),
        (("--tls-cert", "/nowhere", "--tls-key", "/nowhere", "--worker-port", "0"), "they cannot be used"),
    ],
)
def test_parts_that_cannot_be_are_refused(tmp_path, args, what):
    command = [sys.executable, "-m", "brignb", "serve", "--home", str(tmp_path / "home"), "--port", "0", *args]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 2
    assert what in ended.stderr


def certified(folder):
    """A certificate for localhost and its key, as files `cert` and `cert-key`; answers who is to be trusted, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now, now + dt.timedelta(days=1)
    )
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    pem = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    (folder / "cert").write_bytes(pem)
    words = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "cert-key").write_bytes(key.private_bytes(*words))
    return pem.decode()
