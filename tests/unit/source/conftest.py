"""Repositories, and the ways in which one is reached, for the tests of the source."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from repos import ENVIRONMENT, Repo

from brignb.model.projects import Project

TOKEN = "t0ken-canary-never-shown"


@pytest.fixture
def repo(tmp_path) -> Repo:
    made = Repo.new(tmp_path / "repo")
    made.commit({"brignb.ipynb": "one"})
    return made


@pytest.fixture
def project(repo) -> Project:
    return Project(name="owner/repo", clone_url=repo.url)


@pytest.fixture
def counted(tmp_path) -> Path:
    """A git that writes each of its command lines to the file `git.log`."""
    program = tmp_path / "counted-git"
    program.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/git.log\nexec git "$@"\n')
    program.chmod(0o700)
    return program


class GitServer:
    """Git's own HTTP backend behind a password, on a port of this machine.

    Args:
        folder: Its repositories.
        token: The only password it takes.
    """

    def __init__(self, folder: Path, token: str) -> None:
        self.hits = 0
        """Requests."""
        self.asked: list[str] = []
        """Every Authorization header's `user:password`."""
        self.leaks: list[str] = []
        """Processes that showed the token in their command line or environment while they waited for an answer."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def handle_one(self) -> None:
                outer.hits += 1
                outer.leaks += leaks(token)
                kind, _, words = self.headers.get("Authorization", "").partition(" ")
                given = base64.b64decode(words).decode() if kind == "Basic" else ""
                if given:
                    outer.asked.append(given)
                if given.partition(":")[2] != token:
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="git"')
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                self._backend(folder)

            do_GET = do_POST = handle_one  # noqa: N815

            def _backend(self, folder: Path) -> None:
                path, _, query = self.path.partition("?")
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                environment = {
                    **ENVIRONMENT,
                    "GIT_PROJECT_ROOT": str(folder),
                    "GIT_HTTP_EXPORT_ALL": "1",
                    "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                    "PATH_INFO": path,
                    "QUERY_STRING": query,
                    "REQUEST_METHOD": self.command,
                    "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                    "CONTENT_LENGTH": str(len(body)),
                    "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                }
                done = subprocess.run(
                    ["git", "http-backend"], input=body, env=environment, capture_output=True, check=True
                )
                head, _, content = done.stdout.partition(b"\r\n\r\n")
                fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
                self.send_response(int(fields.pop("Status", "200").split()[0]))
                for name, value in fields.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def leaks(token: str) -> list[str]:
    """Processes that show a token in their command line or environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            try:
                shown = (process / name).read_bytes()
            except OSError:
                continue  # it ended, or is the kernel's
            if token.encode() in shown:
                found.append(f"{process / name}")
    return found


@pytest.fixture
def token() -> str:
    """The only password that the servers take."""
    return TOKEN


@pytest.fixture
def server(tmp_path) -> Iterator[GitServer]:
    """The project's site; it serves the test's folder."""
    made = GitServer(tmp_path, TOKEN)
    yield made
    made.close()


@pytest.fixture
def other_server(tmp_path) -> Iterator[GitServer]:
    """Somebody else's site."""
    made = GitServer(tmp_path, TOKEN)
    yield made
    made.close()


@pytest.fixture
def fake_ssh(tmp_path) -> Path:
    """A folder for the front of PATH: its `ssh` notes what it is given and runs the command on this machine."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "ssh"
    program.write_text(
        f"""#!/bin/sh
printf '%s\\n' "$@" > {tmp_path}/ssh.args
for each; do
  case "$each" in
    -oIdentityFile=*) cat "${{each#*=}}" > {tmp_path}/ssh.key; stat -Lc %a "${{each#*=}}" > {tmp_path}/ssh.mode ;;
    -oCertificateFile=*) cat "${{each#*=}}" > {tmp_path}/ssh.cert ;;
  esac
  last=$each
done
exec sh -c "$last"
"""
    )
    program.chmod(0o700)
    return folder


@pytest.fixture
def environ() -> dict[str, str]:
    return {"PATH": os.environ["PATH"]}
