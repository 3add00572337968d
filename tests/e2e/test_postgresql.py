"""`brignb serve --store postgresql://…`: the main path, and what becomes of it when the database dies, is away, or is somebody else's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter

import httpx
import postgresql as databases
import pytest
from e2e.witness import Witness

pytestmark = pytest.mark.slow


@pytest.fixture
def cluster():
    """A PostgreSQL of the test's own, to be killed."""
    made = databases.cluster()
    yield made
    made.stop()


@pytest.mark.parametrize("own_server", ["postgresql"], indirect=True)
def test_a_push_becomes_a_build_and_the_password_is_nowhere(own_server, repository, pipeline):
    """Not in the log, not in the home, not in what a worker sees of its server."""
    own_server.create(pipeline.file("tests/pg", repository.url))
    look = "import os, pathlib\nprint('environment', 'BRIGNB_STORE' in os.environ, sorted(os.environ))"
    commit = repository.commit(
        pipeline.notebook(look, "from brignb import Job\nawait Job('j', tasks=['env; echo out']).run()")
    )
    build, log = own_server.run("tests/pg", commit)
    assert build["state"] == "succeeded", log
    assert "environment False" in log
    assert own_server.http.get("/readyz").json() == {"status": "ok"}
    record = own_server.record(build["id"])
    for text in (own_server.log.read_text(), log, str(record)):
        assert databases.PASSWORD not in text
    until(lambda: not any((own_server.home / "builds").iterdir()))  # it has ended, and is moved
    assert own_server.record(build["id"]) == record
    assert own_server.follow(build["id"]) == log
    assert own_server.stop() == 0
    found = subprocess.run(["grep", "-rl", databases.PASSWORD, own_server.home], check=False, capture_output=True)
    assert not found.stdout


def test_the_database_is_killed_under_load_and_nothing_is_lost(cluster, own_server, repository, pipeline, monkeypatch):
    """kill -9 of all of PostgreSQL, three times, while events come in and builds run: the server says 503 meanwhile, and goes on by
    itself; every acknowledged event's build succeeds, and came to its end once."""
    own_server.stop()
    monkeypatch.setenv("BRIGNB_STORE", f"{cluster.url}/postgres")
    own_server.start()
    own_server.create(pipeline.file("tests/killed", repository.url))
    accepted, refused, stop = [], Counter(), threading.Event()

    def load():
        number = 0
        while not stop.is_set():
            number += 1
            answer = own_server.push("tests/killed", commit, number=number)
            if answer.status_code == 202:
                accepted.append(answer.json()["build"])
            else:
                refused[answer.status_code, answer.headers.get("retry-after") is not None] += 1
                time.sleep(0.05)

    with Witness() as witness:
        commit = repository.commit(pipeline.notebook("import time; time.sleep(0.02)", witness.cell))
        loading = threading.Thread(target=load)
        loading.start()
        for _ in range(3):
            more(accepted, 15)
            cluster.kill()
            until(lambda: httpx.get(f"{own_server.url}/readyz").status_code == 503)
            assert httpx.get(f"{own_server.url}/healthz").status_code == 200
            cluster.start()
            until(lambda: httpx.get(f"{own_server.url}/readyz").status_code == 200)
        more(accepted, 15)
        stop.set()
        loading.join()
        builds = {build: own_server.ended(build) for build in accepted}
    assert set(refused) == {(503, True)}
    assert Counter(build["state"] for build in builds.values()) == {"succeeded": len(accepted)}
    ended = witness.counts("ended")
    assert {build: ended[build] for build in accepted} == dict.fromkeys(accepted, 1)
    assert own_server.http.get("/api/builds", params={"state": "running"}).json()["items"] == []
    assert own_server.http.get("/api/builds", params={"state": "pending"}).json()["items"] == []


def more(found, count):
    """Until so many more have come."""
    goal = len(found) + count
    until(lambda: len(found) >= goal)


def until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("url", ["postgresql://u:hunter2@127.0.0.1:1/db", "postgresql://u:hunter2@/db?host=/nowhere"])
def test_a_database_that_is_not_there_is_exit_3(tmp_path, url):
    """At the start somebody is looking; the words say where, and do not say the password."""
    ended = serve(tmp_path, url)
    assert ended.returncode == 3
    assert "does not answer" in ended.stderr
    assert "hunter2" not in ended.stderr + ended.stdout


def test_a_wrong_password_is_exit_3(tmp_path, postgresql):
    ended = serve(tmp_path, postgresql().replace(databases.PASSWORD, "hunter2"))
    assert ended.returncode == 3
    assert "password authentication failed" in ended.stderr
    assert "hunter2" not in ended.stderr + ended.stdout


@pytest.mark.parametrize("own_server", ["postgresql"], indirect=True)
def test_another_machine_goes_on_with_what_the_database_has(own_server, repository, pipeline, tmp_path):
    """The home is lost but for its key: projects, builds, logs and records are there, and what waits is run."""
    own_server.create(pipeline.file("tests/moved", repository.url))
    build, log = own_server.run("tests/moved", repository.commit(pipeline.notebook("print('here')")))
    assert build["state"] == "succeeded", log
    until(lambda: not any((own_server.home / "builds").iterdir()))
    own_server.stop()
    for place in own_server.home.iterdir():
        if place.name != "key":
            shutil.rmtree(place) if place.is_dir() else place.unlink()
    own_server.start()
    assert own_server.follow(build["id"]) == log
    assert "here" in pipeline.outputs(own_server.record(build["id"]))
    again, _log = own_server.run("tests/moved", repository.commit(pipeline.notebook("print('there')")))
    assert again["state"] == "succeeded"


@pytest.mark.parametrize("own_server", ["postgresql"], indirect=True)
def test_a_second_server_on_the_database_does_not_start(own_server, tmp_path):
    """It would lose the first one's builds. (Another home: its lock does not see it.)"""
    (tmp_path / "other").mkdir(mode=0o700)
    shutil.copy(own_server.home / "key", tmp_path / "other" / "key")
    ended = serve(tmp_path, os.environ["BRIGNB_STORE"], home="other")
    assert ended.returncode == 2
    assert "another server has this database" in ended.stderr
    assert own_server.http.get("/readyz").status_code == 200


def serve(folder, url, home="home"):
    command = [sys.executable, "-m", "brignb", "serve", "--home", str(folder / home), "--port", "0", "--store", url]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
