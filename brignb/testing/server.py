"""A server for a while: of one's own, in a folder of its own, gone when it is closed or this process ends.

    with LocalServer() as server:
        server.create({"project": "me/app", "sharedSecret": secret, "defaultNotebook": Path("pipeline.ipynb").read_text()})
        answer = server.send(payloads.delivery("push", project="me/app", secret=secret))
        state = server.ended(answer["build"])["state"]

In a notebook, `Server.at_hand()` is the one that runs already, else such a one, which the magics and `!brignb` find until it is closed.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from brignb.errors import Refused, Unreachable

if TYPE_CHECKING:
    from brignb.client import Client
    from brignb.testing.payloads import Delivery

_LISTENING: Final = "listening on "
_TAIL: Final = 2000
"""Characters of its log that are told when it does not start."""
_ELSEWHERE: Final = ("BRIGNB_SERVER", "BRIGNB_TOKEN")
"""What would lead to another server."""


class Server:
    """A server that runs already.

    Args:
        url: Its address.
        token: For its API.
    """

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self._token = token

    @staticmethod
    def at_hand() -> Server:
        """The one that the command line would speak to; where none answers, a `LocalServer` that it speaks to from now on."""
        from brignb.client import find_server  # noqa: PLC0415 - HTTP, for who speaks to it

        try:
            address = find_server()
            server = Server(address.url, address.token)
            with server.client() as client:
                client.projects()
        except (Unreachable, Refused):
            return LocalServer().use()
        return server

    def client(self) -> Client:
        """A client of its API; close it, or use it in a `with`."""
        from brignb.client import Client  # noqa: PLC0415 - the same

        return Client(self.url, self._token)

    def create(self, project: Mapping[str, Any]) -> dict[str, Any]:
        """Register a project, given as its file's keys, in place of one of that name.

        Raises:
            BadInput: It is none.
        """
        with self.client() as client:
            return client.create_project(json.dumps(project).encode(), replace=True)

    def send(self, delivery: Delivery) -> dict[str, Any]:
        """POST what a sender would; answers what it is told, whatever the status is."""
        import httpx  # noqa: PLC0415 - the same

        url, headers = f"{self.url}{delivery.path}", dict(delivery.headers)
        told: dict[str, Any] = httpx.post(url, content=delivery.body, headers=headers, trust_env=False).json()
        return told

    def ended(self, build_id: str) -> dict[str, Any]:
        """A build, once it has ended.

        Raises:
            NotFound: There is none.
        """
        with self.client() as client:
            for _ in client.logs(build_id, following=True):
                pass  # its lines end when it ends
            return client.build(build_id)

    def close(self) -> None:
        """Nothing: it is somebody's."""

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close it."""
        self.close()

    def __repr__(self) -> str:
        return f"<server at {self.url}>"


class LocalServer(Server):
    """`brignb serve` on a free port; it listens when this returns.

    Args:
        options: More words for `brignb serve`, such as `--allow privileged`.

    Raises:
        Unreachable: It did not start; with the end of what it said.
    """

    def __init__(self, *options: str) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="brignb-server-"))
        self._log = self.home / "serve.log"
        self._before: dict[str, str | None] = {}
        self._reader: threading.Thread | None = None
        command = [sys.executable, "-m", "brignb", "serve", "--home", str(self.home), "--port", "0", "--cr", *options]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,  # Interrupt in a notebook goes to the kernel's whole group
            )
        atexit.register(self.close)
        url = self._listening()
        super().__init__(url, (self.home / "token").read_text().strip())

    def use(self) -> Self:
        """Let everything in this process, and what it starts, speak to this server until it is closed."""
        names = ("BRIGNB_HOME", *_ELSEWHERE)
        self._before = {name: os.environ.get(name) for name in names}
        for name in _ELSEWHERE:
            os.environ.pop(name, None)
        os.environ["BRIGNB_HOME"] = str(self.home)
        return self

    def close(self) -> None:
        """End it, with its builds, and forget all that it knew. Closing it again changes nothing."""
        atexit.unregister(self.close)
        for name, value in self._before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        self._before = {}
        if self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(20)
            self._process.kill()
        self._process.wait()
        if self._reader:
            self._reader.join()
        if self._process.stdout:
            self._process.stdout.close()
        shutil.rmtree(self.home, ignore_errors=True)

    def _listening(self) -> str:
        """Its address, once it takes events."""
        stdout = self._process.stdout
        assert stdout is not None  # noqa: S101 - it was asked for
        for line in stdout:
            if line.startswith(_LISTENING):
                # whatever it says later is read, so that it never waits for a reader
                self._reader = threading.Thread(target=stdout.read, name="brignb-server", daemon=True)
                self._reader.start()
                return line.removeprefix(_LISTENING).strip()
        said = self._log.read_text("utf-8", "replace")[-_TAIL:].strip()
        self.close()
        raise Unreachable("the server did not start", where="brignb serve", hint=said or "it said nothing")
