"""A desk that a test writes the answers of: what a worker says is kept, and can be refused, delayed, or left without an answer."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import subprocess
import sys
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

BUILD = "01JV3ZQ8M4T7Y2K9R5W6X0ABCD"
PROJECT = "o/r"
JSON = dict[str, Any]


def notebook(*cells: str, **metadata: Any) -> str:
    made = [
        {"cell_type": "code", "id": f"c{n}", "metadata": {}, "source": text, "outputs": [], "execution_count": None}
        for n, text in enumerate(cells)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    whole = {"cells": made, "metadata": {"kernelspec": kernel, **metadata}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole)


def offer(*cells: str, build: str = BUILD, secrets: JSON | None = None, seconds: float = 60, **more: Any) -> JSON:
    """A build of these cells, as the desk hands it out."""
    from brignb.model.assignment import Assignment
    from brignb.model.events import Event
    from brignb.model.projects import Project

    event = Event(id="01JV3ZQ8M4T7Y2K9R5W6X0EVEN", type="push", source="github", project=PROJECT, build_id=build)
    facts = {"tier": "fork", "notebook": notebook(*cells), **more}
    project = facts.pop("project", Project(name=PROJECT)).stored()
    assignment = Assignment(
        build_id=build, attempt=1, created_ms=1, project=project, event=event, builds="", work="", **facts
    )
    told = {"assignment": assignment.to_json(), "secrets": secrets or {}, "token": f"brignb-build.{build}.1.x"}
    return {**told, "lease_seconds": 3, "seconds": seconds, "preload": []}


class Desk:
    """See the module. `offers` are handed out in order; whatever is told is in the attributes named like the routes.

    With a certificate (and its key in the same file) it speaks TLS.
    """

    def __init__(self, *offers: JSON, certificate: Path | None = None) -> None:
        self.offers = list(offers)
        self._certificate = certificate
        self.streams: dict[str, bytes] = {}
        self.spill: dict[str, bytes] = {}
        self.documents: dict[str, bytes] = {}
        self.artifacts: dict[str, bytes] = {}
        self.jobs: list[JSON] = []
        self.events: list[tuple[str, JSON]] = []
        self.finished: list[JSON] = []
        self.started = 0
        self.source: bytes | None = None
        self.cancel = False
        self.failing: dict[str, int] = {}
        """A route's first word, or `*`, to the status that it answers with."""
        self.silent = threading.Event()
        """Set: whoever asks waits for ever."""
        self.asked: list[str] = []
        self.connections: list[socket.socket] = []
        self._said = threading.Condition()
        self._port = 0
        self.open()

    # the network

    def open(self) -> None:
        """Listen, at the same port as before."""
        desk = self

        class Handler(_Handler):
            pass

        Handler.desk = desk
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = True
        if self._certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self._certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def close(self) -> None:
        """Nobody listens any more, and who is connected is hung up on."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.connections.clear()

    @property
    def url(self) -> str:
        return f"http{'s' if self._certificate else ''}://127.0.0.1:{self._port}"

    # what tests wait for

    def until(self, what, seconds: float = 30) -> None:
        """Until something is so."""
        with self._said:
            assert self._said.wait_for(lambda: what(self), seconds), (self.asked[-20:], self.log())

    def log(self) -> str:
        return self.streams.get("worker", b"").decode()

    @property
    def record(self) -> JSON:
        return json.loads(self.documents["record.ipynb"])

    # the routes

    def answer(self, method: str, path: str, query: dict[str, str], headers: Any, body: bytes) -> tuple[int, bytes]:
        del method
        word, _, name = path.removeprefix("/api/worker/").partition("/")
        with self._said:
            self.asked.append(word)
            if (status := self.failing.get(word, self.failing.get("*"))) is not None:
                error = {"code": "over", "message": "a test says so", "where": word, "hint": ""}
                return status, json.dumps({"error": error}).encode()
            try:
                return self._route(word, name, query, headers, body)
            finally:
                self._said.notify_all()

    def _route(self, word: str, name: str, query: dict[str, str], headers: Any, body: bytes) -> tuple[int, bytes]:
        match word:
            case "next" | "take":
                return (200, json.dumps(self.offers.pop(0)).encode()) if self.offers else (204, b"")
            case "renew":
                return 200, json.dumps({"lease_seconds": 3, "cancel": self.cancel}).encode()
            case "streams" if not name:
                return 200, json.dumps({stream: len(data) for stream, data in self.streams.items()}).encode()
            case "streams" | "spill":
                kept = getattr(self, word)
                there = kept.get(name, b"")
                at = int(query["offset"])
                assert at <= len(there), f"a gap in {name}"
                assert there[at:].startswith(body) or body.startswith(there[at:]), f"{name} differs"
                kept[name] = there[:at] + body if len(there) < at + len(body) else there
            case "documents" | "artifacts":
                getattr(self, word)[name] = body
            case "source":
                return (200, self.source) if self.source is not None else (404, b"{}")
            case "started":
                self.started += 1
            case "jobs":
                self.jobs.append(json.loads(body))
            case "events":
                self.events.append((headers["idempotency-key"], json.loads(body)))
                return 202, json.dumps({"event": "E", "build": "B"}).encode()
            case "finished":
                self.finished.append(json.loads(body))
        return 204, b""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    desk: Desk

    def setup(self) -> None:
        super().setup()
        self.desk.connections.append(self.connection)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _all(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.headers.get("transfer-encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        parts = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(parts.query))
        if self.desk.silent.is_set():
            self.connection.recv(1)  # until it hangs up
            self.close_connection = True
            return
        status, answer = self.desk.answer(self.command, parts.path, query, self.headers, body)
        self.send_response(status)
        if status != 204:
            self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_PUT = _all  # noqa: N815 - as the library calls them

    def log_message(self, *_args: object) -> None:
        """Quiet."""


class Worker:
    """`brignb worker` as a process of its own."""

    def __init__(self, folder: Path, url: str, *args: str, token: str = "brignb-pool.x.y", first: tuple[str, ...] = ()):
        folder.mkdir(exist_ok=True)
        (folder / "token").write_text(token + "\n")
        self.folder = folder
        self.log = folder / "worker.log"
        argv = [*first, sys.executable, "-m", "brignb", "worker", "--server", url, "--token-file", folder / "token"]
        argv += ["--work", folder / "work", "--name", "here", *args]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(argv, stdout=log, stderr=log)

    def ended(self, seconds: float = 30) -> int:
        """Its exit code, once it has ended."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(self.log.read_text()) from None

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
