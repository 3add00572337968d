"""Binder's start: a server that answers, an inbox that is filled, and the given command in its place."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.slow
BINDER = Path(__file__).parents[2] / "binder"

GIVEN = """
import json, os, psutil
from brignb.client import Client, find_server
address = find_server()
with Client(address.url, address.token) as client:
    builds = client.builds(project="workshop/demo")["items"]
    states = [client.build(build["id"])["event"]["type"] for build in builds]
servers = [child.pid for child in psutil.Process().children() if "serve" in child.cmdline()]
print(json.dumps({"pid": os.getpid(), "events": states, "servers": servers, "words": __import__("sys").argv[1:]}))
"""


@pytest.fixture
def start(tmp_path):
    """Runs `binder/start` with a command, as repo2docker does."""
    servers: list[int] = []

    def run(*command: str, port: str = "0") -> tuple[subprocess.Popen, str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("BRIGNB_")}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        home = tmp_path / "home"
        environment = {**clean, "PATH": path, "BRIGNB_HOME": str(home), "BRIGNB_PORT": port}
        with (tmp_path / "out").open("w") as out, (tmp_path / "err").open("w") as err:
            done = subprocess.Popen([str(BINDER / "start"), *command], env=environment, stdout=out, stderr=err)
        done.wait(60)
        if (home / "server.json").exists():
            servers.extend(json.loads((tmp_path / "out").read_text())["servers"])
        return done, (tmp_path / "out").read_text(), (tmp_path / "err").read_text()

    yield run
    for pid in servers:
        server = psutil.Process(pid)
        server.send_signal(signal.SIGTERM)
        server.wait(30)


def test_the_command_finds_a_server_and_a_full_inbox(start):
    done, out, err = start(sys.executable, "-c", GIVEN, "two words")
    assert done.returncode == 0, err
    told = json.loads(out)
    assert told["pid"] == done.pid, "the command is in the place of start: signals reach it"
    assert told["words"] == ["two words"]
    assert len(told["servers"]) == 1
    assert sorted(told["events"]) == sorted(
        [
            "push",
            "pull_request:opened",
            "pull_request:synchronize",
            "issues:opened",
            "release:published",
            "image_push",
            "image_push",
        ]
    )
    assert "7 of 7 webhooks" in err


def test_without_a_server_the_command_runs_all_the_same(start):
    """A port that is taken must not cost somebody their session; they are told."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done, out, err = start("echo", "still here", port=str(taken.getsockname()[1]))
    assert (done.returncode, out) == (0, "still here\n")
    assert "the server did not start" in err


def test_what_repo2docker_wants_is_there():
    """It ignores a file that cannot be executed."""
    assert all(os.access(BINDER / name, os.X_OK) for name in ("start", "postBuild"))
    assert (BINDER / "runtime.txt").read_text().startswith("python-3.")
    for name in ("start", "postBuild"):
        subprocess.run(["bash", "-n", BINDER / name], check=True)
