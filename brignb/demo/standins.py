"""Stand-ins for what belongs to others: a registry that takes a push and calls back as Azure's does, and Slack's webhook."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import threading
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from typing import Any, Final, Self

_MANIFEST = re.compile(r"/v2/(?P<repository>[a-z0-9/_.-]+)/manifests/(?P<tag>[\w.-]+)\Z")
_TIMEOUT: Final = 10.0


class StandIns:
    """Both, on one port of the loopback. Use as a context manager.

    Args:
        user: Who may push.
        password: With which password.

    Attributes:
        url: `http://127.0.0.1:PORT`.
        messages: What Slack was told, in order.
    """

    def __init__(self, *, user: str, password: str) -> None:
        self.messages: SimpleQueue[str] = SimpleQueue()
        self.webhook: str | None = None
        self._credentials = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, name="stand-ins", daemon=True)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"http://{self.address}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def allowed(self, credentials: str) -> bool:
        """Whether somebody may push."""
        return hmac.compare_digest(credentials.encode(), self._credentials.encode())

    def pushed(self, repository: str, tag: str, manifest: bytes) -> None:
        """A push was taken: call the webhook, with the body that Azure Container Registry sends for it."""
        if self.webhook is None:
            return
        digest = "sha256:" + hashlib.sha256(manifest).hexdigest()
        target = {"digest": digest, "length": len(manifest), "repository": repository, "tag": tag}
        body = {
            "id": hashlib.sha256(f"{repository}:{tag}@{digest}".encode()).hexdigest()[:32],
            "timestamp": "2026-01-31T12:00:00.000000000Z",
            "action": "push",
            "target": {
                "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
                "size": len(manifest),
                **target,
            },
            "request": {"id": "demo", "host": self.address, "method": "PUT", "useragent": "brignb-demo"},
        }
        request = urllib.request.Request(  # noqa: S310 - our own server's address
            self.webhook, data=json.dumps(body).encode(), headers={"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310 - the same
            answer.read()


def _handler(standins: StandIns) -> Callable[..., BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            found = _MANIFEST.match(self.path)
            manifest = self._body()
            if not standins.allowed(self.headers.get("authorization", "")):
                self._answer(401, {"errors": [{"code": "UNAUTHORIZED"}]})
            elif found is None:
                self._answer(404, {"errors": [{"code": "NAME_UNKNOWN"}]})
            else:
                self._answer(201, {})
                standins.pushed(found["repository"], found["tag"], manifest)

        def do_POST(self) -> None:
            standins.messages.put(str(json.loads(self._body()).get("text", "")))
            self._answer(200, "ok")

        def _body(self) -> bytes:
            return self.rfile.read(int(self.headers.get("content-length", "0")))

        def _answer(self, status: int, body: Any) -> None:
            data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Say nothing: the story tells what happens."""

    return Handler
