"""A real server in a process of its own, a real git repository, requests over a socket: the product as its users have it."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import signal
import socket
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

SHARED_SECRET = "a-shared-secret-of-the-tests"
CANARY = "canary-value-0001"
BRIGNB = [sys.executable, "-m", "brignb"]


def git(folder: Path, *args: str) -> str:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    return subprocess.run(["git", "-C", folder, *who, *args], check=True, capture_output=True, text=True).stdout.strip()


class Pipeline:
    """What tests make notebooks and project files with."""

    canary = CANARY

    @staticmethod
    def notebook(*cells: str | tuple[str, list[str]], **metadata: Any) -> str:
        """A notebook's text; a cell is its source, or its source and its tags."""
        made = []
        for number, cell in enumerate(cells):
            source, tags = (cell, []) if isinstance(cell, str) else cell
            facts = {"cell_type": "code", "id": f"c{number}", "metadata": {"tags": tags}, "source": source}
            made.append({**facts, "execution_count": None, "outputs": []})
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        whole = {"cells": made, "metadata": {"kernelspec": kernel, **metadata}, "nbformat": 4, "nbformat_minor": 5}
        return json.dumps(whole)

    @staticmethod
    def file(name: str, url: str | None, **more: Any) -> str:
        """A project file's text."""
        facts = {"project": name, "sharedSecret": SHARED_SECRET, "secrets": {"CANARY": CANARY}, **more}
        return json.dumps({**facts, "cloneURL": url} if url else facts)

    @staticmethod
    def outputs(record: dict[str, Any]) -> str:
        """Everything a record's cells printed or showed, as text."""
        found = []
        for cell in record["cells"]:
            for output in cell.get("outputs", []):
                text = output.get("text") or output.get("data", {}).get("text/plain") or output.get("traceback", "")
                found.append("".join(text))
        return "\n".join(found)


@dataclass
class Repository:
    """A git repository on the disk, with the pipeline's notebook in it."""

    folder: Path

    def commit(self, text: str | None, **files: str) -> str:
        """Commit a notebook (None: take it away) and other files; answers the commit."""
        if text is None:
            (self.folder / "brignb.ipynb").unlink(missing_ok=True)
        for name, content in ({"brignb.ipynb": text} if text is not None else {}).items() | files.items():
            (self.folder / name).write_text(content)
        git(self.folder, "add", "--all")
        git(self.folder, "commit", "--quiet", "--allow-empty", "--message", "change")
        return git(self.folder, "rev-parse", "HEAD")

    @property
    def url(self) -> str:
        return self.folder.as_uri()


class Server:
    """`brignb serve`, from outside."""

    def __init__(self, home: Path, *args: str) -> None:
        self.home = home
        self.args = args
        self.token = home / "token"
        self.log = home.parent / f"{home.name}.log"

    def start(self) -> Server:
        with self.log.open("a") as errors:
            self.process = subprocess.Popen(
                [*BRIGNB, "serve", "--home", str(self.home), "--port", "0", *self.args],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            self.process.wait()
            self.process.stdout.close()
            raise AssertionError(self.log.read_text())
        self.url = line.removeprefix("listening on ").strip()
        token = self.token.read_text().strip()
        self.http = httpx.Client(base_url=self.url, headers={"authorization": f"Bearer {token}"}, timeout=60)
        return self

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.http.close()
        self.process.send_signal(number)
        code = self.process.wait(timeout=30)
        self.process.stdout.close()
        return code

    def cli(self, *args: str, **options: Any) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "BRIGNB_HOME": str(self.home), "COLUMNS": "200"}
        return subprocess.run(
            [*BRIGNB, *args], env=env, capture_output=True, text=True, timeout=60, check=False, **options
        )

    def create(self, text: str) -> httpx.Response:
        return self.http.post("/api/projects", content=text, headers={"content-type": "application/yaml"})

    def push(self, project: str, commit: str, *, delivery: str | None = None, event: str = "push", **extra: Any):
        payload = {"ref": "refs/heads/master", "after": commit, "repository": {"full_name": project}, **extra}
        if event == "push":
            payload["head_commit"] = {"id": commit}
        return self.github(json.dumps(payload).encode(), delivery=delivery, event=event)

    def github(self, body: bytes, *, delivery: str | None = None, event: str = "push", secret: str = SHARED_SECRET):
        signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "content-type": "application/json",
            "x-github-event": event,
            "x-github-delivery": delivery or str(uuid.uuid4()),
            "x-hub-signature-256": signature,
        }
        return httpx.post(f"{self.url}/events/github", content=body, headers=headers, timeout=60)

    def follow(self, build: str) -> str:
        """The logs until the build's end."""
        return self.http.get(f"/api/builds/{build}/logs", params={"follow": "1"}).text

    def build(self, build: str) -> dict[str, Any]:
        return self.http.get(f"/api/builds/{build}").json()

    def ended(self, build: str) -> dict[str, Any]:
        """The build, once it has ended."""
        self.follow(build)
        return self.build(build)

    def record(self, build: str) -> dict[str, Any]:
        return self.http.get(f"/api/builds/{build}/record").json()

    def run(self, project: str, commit: str, **extra: Any) -> tuple[dict[str, Any], str]:
        """Push, wait; the build and its log."""
        answer = self.push(project, commit, **extra)
        assert answer.status_code == 202, answer.text
        log = self.follow(answer.json()["build"])
        return self.build(answer.json()["build"]), log


@pytest.fixture
def pipeline():
    return Pipeline


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("home") / "home", "--cr").start()
    yield running
    running.stop()


@pytest.fixture
def own_server(tmp_path, request, monkeypatch):
    """A server that the test may stop and start; it is stopped at the end. An indirect parameter names its store."""
    if getattr(request, "param", "sqlite") == "postgresql":
        monkeypatch.setenv("BRIGNB_STORE", request.getfixturevalue("postgresql")())
    running = Server(tmp_path / "home", "--cr").start()
    yield running
    if running.process.poll() is None:
        running.stop()


@pytest.fixture
def serve(tmp_path):
    """Starts a server with options of the test's own; it is stopped at the end."""
    made = []

    def start(*args):
        made.append(Server(tmp_path / f"home-{len(made)}", *args).start())
        return made[-1]

    yield start
    for each in made:
        if each.process.poll() is None:
            each.stop()


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch", "master")
    return Repository(folder)


@pytest.fixture
def project(server, repository, request):
    """A project of the test's own, registered, with the repository behind it; answers its name."""
    name = "tests/" + "".join(c if c.isalnum() else "-" for c in request.node.name)[:80]
    answer = server.create(Pipeline.file(name, repository.url))
    assert answer.status_code == 201, answer.text
    return name


@pytest.fixture
def door():
    """Where user code tells the test that it runs, and waits: over loopback, for a sandbox does not see the test's folders."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(30)
        yield listening


@pytest.fixture
def arrived(door):
    """Waits for user code at the door; it is let through by a byte, or hung up on at the test's end."""
    made = []

    def wait():
        made.append(door.accept()[0])
        return made[-1]

    yield wait
    for each in made:
        each.close()
