"""A server, and `brignb worker` beside it: the same as a worker of the server's own, whichever of them dies."""

import json
import signal

import httpx
import pytest
from desks import Worker

from brignb.model.tokens import Tokens
from brignb.store.sealing import load_key

pytestmark = pytest.mark.slow

GATE = """
import socket
gate = socket.create_connection(('127.0.0.1', {port}))
print('at the gate', flush=True)
gate.recv(1)
print('through')
"""
CELLS = (
    "import subprocess\nfrom brignb import Job, events, project",
    ("size: int = 1  # from: event.data.size", ["parameters"]),
    """
print(subprocess.run(['git', 'status', '--short'], capture_output=True, text=True).stdout, 'clean')
print(subprocess.run(['git', 'log', '-1', '--format=%H'], capture_output=True, text=True).stdout)
""",
    """
@events.on('push')
async def push(event):
    tasks = ['cat data.txt', 'echo answer=42 >> $BRIGNB_OUTPUT', 'echo kept > out.txt']
    job = Job('greet', tasks=tasks, artifacts=['out.txt'])
    await job.run()
    print(job.outputs['answer'], size, project.secrets['CANARY'])
""",
)


class Away:
    """A server that runs no build itself, and workers elsewhere that a test starts."""

    def __init__(self, server, folder):
        self.server = server
        self._folder = folder
        self._workers = []

    def pool(self, project):
        return Tokens(load_key(self.server.home / "key")).pool(project)

    def worker(self, project, *args, token=None):
        made = Worker(
            self._folder / f"away-{len(self._workers)}", self.server.url, *args, token=token or self.pool(project)
        )
        self._workers.append(made)
        return made

    def raised(self, project, **payload):
        body = {"type": "push", "payload": payload}
        return self.server.http.post(f"/api/projects/{project}/events", json=body).json()["build"]

    def taken(self, project, worker="by-hand"):
        """A build, taken by the test itself: the offer."""
        return self.asked("next", self.pool(project), {"worker": worker}).raise_for_status().json()

    def asked(self, word, token, body=None):
        headers = {"authorization": f"Bearer {token}"}
        return httpx.post(f"{self.server.url}/api/worker/{word}", json=body, headers=headers, timeout=30)

    def shown(self, build, text):
        """Follow a build's log until it shows a text."""
        with self.server.http.stream("GET", f"/api/builds/{build}/logs", params={"follow": "1"}) as lines:
            assert any(text in line for line in lines.iter_lines()), text

    def close(self):
        for worker in self._workers:
            worker.kill()


@pytest.fixture
def away(tmp_path, request, monkeypatch, serve):
    if getattr(request, "param", "sqlite") == "postgresql":
        monkeypatch.setenv("BRIGNB_STORE", request.getfixturevalue("postgresql")())
    made = Away(serve("--workers", "0"), tmp_path)
    yield made
    made.close()


@pytest.fixture
def gated(away, pipeline, door):
    """A project of which each build waits at the door."""
    text = pipeline.notebook(GATE.format(port=door.getsockname()[1]))
    assert away.server.create(pipeline.file("tests/gated", None, defaultNotebook=text)).status_code == 201
    return "tests/gated"


def shape(record):
    """Of a record, what does not depend on when it ran: sources, tags, statuses, what was printed."""
    return [
        (
            cell["source"],
            cell["metadata"].get("tags"),
            cell["metadata"].get("papermill", {}).get("status"),
            ["".join(output["text"]) for output in cell.get("outputs", []) if output["output_type"] == "stream"],
        )
        for cell in record["cells"]
    ]


def by_stream(log):
    """Of a log that was followed, what does not depend on which stream was ahead: each one's lines."""
    return sorted(log.splitlines()[1:], key=lambda line: line.partition(" | ")[0])


@pytest.mark.parametrize("away", ["sqlite", "postgresql"], indirect=True)
def test_the_same_as_a_worker_of_the_servers_machine(away, server, repository, pipeline):
    """Source, parameters, secrets, jobs, artifacts, log and record, for who asks the server."""
    name = f"tests/same{away.server.process.pid}"
    commit = repository.commit(pipeline.notebook(*CELLS), **{"data.txt": "a file of the repository\n"})
    for each in (server, away.server):
        assert each.create(pipeline.file(name, repository.url)).status_code == 201
    there, their_log = server.run(name, commit, size=3)
    worker = away.worker(name, "--builds", "1")
    here, our_log = away.server.run(name, commit, size=3)
    assert worker.ended() == 0, worker.log.read_text()
    assert (here["state"], here["worker"]) == ("succeeded", there["worker"]), our_log
    assert here["event"]["revision"]["commit"] == commit
    assert by_stream(our_log) == by_stream(their_log)
    assert "worker | 42 3 REDACTED" in our_log
    assert "greet | a file of the repository" in our_log
    ours, theirs = away.server.record(here["id"]), server.record(there["id"])
    assert shape(ours) == shape(theirs)
    assert pipeline.canary not in json.dumps(ours) + our_log
    (job,), (other,) = here["jobs"], there["jobs"]
    assert [job[key] for key in ("name", "state", "outputs", "digest")] == [
        other[key] for key in ("name", "state", "outputs", "digest")
    ]
    tar = away.server.http.get(f"/api/builds/{here['id']}/jobs/{job['id']}/artifacts")
    assert (tar.status_code, b"kept" in tar.content) == (200, True)


def test_a_cold_worker_runs_its_own_build_and_ends(away, pipeline):
    """The controller has claimed the build for its pod; here the test has."""
    text = pipeline.notebook("from brignb import project; print(len(project.secrets['CANARY']))")
    away.server.create(pipeline.file("tests/cold", None, defaultNotebook=text))
    build = away.raised("tests/cold")
    offer = away.taken("tests/cold")
    secrets = away.server.home.parent / "secrets.json"
    secrets.write_text(json.dumps(offer["secrets"]))
    worker = away.worker("tests/cold", "--secrets-file", secrets, token=offer["token"])
    ended = away.server.ended(build)
    assert (ended["state"], ended["attempt"]) == ("succeeded", 1)
    assert worker.ended() == 0
    assert f"worker | {len(pipeline.canary)}" in away.server.follow(build)
    again = away.worker("tests/cold", token=offer["token"])
    assert again.ended() == 0, "there is nothing to do, which is no mistake"
    assert away.server.build(build)["attempt"] == 1


def test_a_worker_that_dies_before_its_first_cell(away, gated, arrived):
    """Its build was handed to it and had not begun: the next worker gets it, within a lease."""
    build = away.raised(gated)
    assert away.taken(gated, "dies")["assignment"]["build_id"] == build
    away.worker(gated)
    arrived().sendall(b"!")
    ended = away.server.ended(build)
    assert (ended["state"], ended["attempt"]) == ("succeeded", 2)


@pytest.mark.parametrize("retries", [0, 1])
def test_a_worker_that_dies_after_its_first_cell(away, pipeline, door, arrived, retries):
    """Its build is lost, with what it had said; only the project's `retries` run it again."""
    text = pipeline.notebook(GATE.format(port=door.getsockname()[1]))
    away.server.create(pipeline.file("tests/dies", None, defaultNotebook=text, retries=retries))
    worker = away.worker("tests/dies")
    build = away.raised("tests/dies")
    arrived()
    away.shown(build, "at the gate")
    worker.kill()
    if retries:
        away.worker("tests/dies")
        arrived().sendall(b"!")
    ended = away.server.ended(build)
    assert (ended["state"], ended["attempt"]) == (("succeeded", 2) if retries else ("lost", 1))
    assert "worker | at the gate" in away.server.follow(build)
    if not retries:
        record = away.server.record(build)
        assert record["cells"][0]["metadata"]["brignb"]["status"] == "killed"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_server_that_dies_and_comes_back(away, gated, arrived, number):
    """The build goes on meanwhile, and the next server hears all of it."""
    away.server.args = (*away.server.args, "--port", away.server.url.rpartition(":")[2])
    worker = away.worker(gated, "--builds", "2")
    build = away.raised(gated)
    gate = arrived()
    away.shown(build, "at the gate")
    away.server.stop(number)
    gate.sendall(b"!")
    away.server.start()
    ended = away.server.ended(build)
    assert (ended["state"], ended["attempt"]) == ("succeeded", 1), worker.log.read_text()
    assert "worker | through" in away.server.follow(build)
    following = away.raised(gated)
    arrived().sendall(b"!")
    assert away.server.ended(following)["state"] == "succeeded"
    assert worker.ended() == 0


def test_a_build_that_is_canceled(away, gated, arrived):
    worker = away.worker(gated, "--builds", "1")
    build = away.raised(gated)
    arrived()
    assert away.server.cli("build", "cancel", build).returncode == 0
    assert away.server.ended(build)["state"] == "canceled"
    assert worker.ended() == 0, worker.log.read_text()
    assert away.server.record(build)["cells"][0]["metadata"]["brignb"]["status"] == "killed"


def test_a_flood(away, pipeline):
    text = pipeline.notebook("for number in range(200_000):\n    print('line', number)")
    away.server.create(pipeline.file("tests/flood", None, defaultNotebook=text))
    away.worker("tests/flood", "--builds", "1")
    log = away.server.follow(away.raised("tests/flood"))
    lines = log.splitlines()
    assert len(lines) == 200_000
    assert lines[-1] == "worker | line 199999"


def test_an_emitted_event(away, pipeline):
    cell = (
        "from brignb import events\n@events.on('push')\nasync def push(event):\n    await events.emit('next', {'n': 1})"
    )
    away.server.create(pipeline.file("tests/emits", None, defaultNotebook=pipeline.notebook(cell)))
    away.worker("tests/emits", "--builds", "2")
    assert away.server.ended(away.raised("tests/emits"))["state"] == "succeeded"
    newest = away.server.http.get("/api/builds", params={"project": "tests/emits"}).json()["items"][0]
    assert (newest["event"]["type"], away.server.ended(newest["id"])["state"]) == ("next", "succeeded")


def test_a_token_is_good_for_its_own_build(away, gated, pipeline):
    """Not for another project's builds, not for the API, not after its attempt."""
    away.server.create(pipeline.file("tests/other", None, defaultNotebook=pipeline.notebook("1")))
    mine = away.raised(gated)
    away.raised("tests/other")
    offer = away.taken(gated)
    assert offer["assignment"]["build_id"] == mine
    assert away.taken(gated)["assignment"]["build_id"] == mine, "asked again, the same"
    token = offer["token"]
    assert away.asked("next", token, {"worker": "x"}).status_code == 401
    assert away.asked("renew", away.pool(gated)).status_code == 401
    assert away.asked("renew", token[:-1] + ("0" if token[-1] != "0" else "1")).status_code == 401
    assert httpx.get(f"{away.server.url}/api/builds", headers={"authorization": f"Bearer {token}"}).status_code == 401
    forged = Tokens(load_key(away.server.home / "key")).build(mine, 2)
    assert away.asked("started", forged).status_code == 409
    end = {"state": "failed", "reason": "by_hand", "message": None}
    assert away.asked("finished", token, end).status_code == 204
    assert away.asked("finished", token, end).status_code == 204
    for word, body in (("renew", None), ("started", None), ("jobs", None), ("events", {"type": "push"})):
        assert away.asked(word, token, body).status_code in {400, 409}, word
    assert away.server.build(mine)["reason"] == "by_hand"
