"""The demo's story, told as it happens: what is done, what came of it, how long it took, and where to look next."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty
from typing import Any, Final

import httpx
from rich.console import Console

from brignb.demo import repository
from brignb.demo.standins import StandIns
from brignb.errors import BrignbError

PROJECT: Final = "example/brigadedemo"
_PATIENCE: Final = 60.0
"""Seconds for anything of the story."""


def tell(*, keep: bool) -> int:
    """Tell it; 0 when Slack was told, 1 when not."""
    console = Console(highlight=False, soft_wrap=True)
    folder = Path(tempfile.mkdtemp(prefix="brignb-demo-"))
    password = secrets.token_urlsafe(12)
    try:
        with StandIns(user="demo", password=password) as standins, _server(folder / "home") as (server, http):
            story = _Story(console, folder, standins, server, http, password)
            message = story.run()
            console.print(f"\n[bold green]{message}[/]  (what Slack was told, {story.seconds:.1f} s after the start)\n")
            _where_next(console, story, keep=keep)
            if keep:
                _until_interrupted(console)
    except BrignbError as error:
        console.print(f"[bold red]error:[/] {error}")
        return 1
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


class _Story:
    def __init__(
        self, console: Console, folder: Path, standins: StandIns, server: str, http: httpx.Client, password: str
    ) -> None:
        self._console = console
        self._folder = folder
        self._standins = standins
        self._http = http
        self._password = password
        self._begun = time.monotonic()
        self._shared_secret = secrets.token_hex(20)
        self.server = server
        self.builds: list[str] = []

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begun

    def run(self) -> str:
        """The story; answers what Slack was told."""
        self._step("a server listens", self.server)
        commit = repository.make(self._folder / "repository")
        self._step("a git repository with the pipeline's notebook", f"commit {commit[:12]}")
        self._register()
        self._step("a project, its secrets encrypted", PROJECT)
        self._standins.webhook = f"{self.server}/events/webhook/{PROJECT}?commit=master"
        accepted = self._push(commit)
        self._step("a signed GitHub push is accepted", f"build {accepted['build']}")
        self._follow(accepted["build"])
        message = self._told()
        newest = self._get("/api/builds", project=PROJECT, limit=1)["items"][0]
        self._step("the registry called back: image_push", f"build {newest['id']}")
        self._follow(newest["id"])
        return message

    def _step(self, what: str, detail: str) -> None:
        self._console.print(f"[green]✓[/] {what}  [dim]{detail}[/]")

    def _register(self) -> None:
        project = {
            "project": PROJECT,
            "cloneURL": (self._folder / "repository").as_uri(),
            "sharedSecret": self._shared_secret,
            "secrets": {
                "DOCKER_USER": "demo",
                "DOCKER_PASS": self._password,
                "DOCKER_REGISTRY": self._standins.address,
                "SLACK_WEBHOOK": f"{self._standins.url}/services/{secrets.token_urlsafe(9)}",
            },
        }
        _checked(self._http.post("/api/projects", content=json.dumps(project)))

    def _push(self, commit: str) -> dict[str, Any]:
        body = json.dumps(
            {
                "ref": "refs/heads/master",
                "after": commit,
                "head_commit": {"id": commit, "message": "A small application and its pipeline"},
                "repository": {"full_name": PROJECT},
                "pusher": {"name": "demo"},
            }
        ).encode()
        signature = hmac.new(self._shared_secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "content-type": "application/json",
            "x-github-event": "push",
            "x-github-delivery": str(uuid.uuid4()),
            "x-hub-signature-256": f"sha256={signature}",
        }
        answer: dict[str, Any] = _checked(self._http.post("/events/github", content=body, headers=headers))
        return answer

    def _follow(self, build: str) -> None:
        self.builds.append(build)
        with self._http.stream("GET", f"/api/builds/{build}/logs", params={"follow": "1"}) as log:
            for line in log.iter_lines():
                self._console.print(f"    {line}", style="dim", markup=False)
        state = self._get(f"/api/builds/{build}")
        if state["state"] != "succeeded":
            raise BrignbError(f"build {build} {state['state']}: {state['reason']}: {state['message']}")

    def _told(self) -> str:
        try:
            return self._standins.messages.get(timeout=_PATIENCE)
        except Empty:
            raise BrignbError(f"Slack was told nothing within {_PATIENCE:g} s", where="demo") from None

    def _get(self, path: str, **query: Any) -> Any:
        return _checked(self._http.get(path, params=query))


@contextmanager
def _server(home: Path) -> Iterator[tuple[str, httpx.Client]]:
    log = home.with_suffix(".log")
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "brignb", "serve", "--home", str(home), "--port", "0", "--cr"],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={
                name: value for name, value in os.environ.items() if name != "BRIGNB_STORE"
            },  # not into the user's own
        )
    try:
        line = process.stdout.readline() if process.stdout else ""
        url = line.removeprefix("listening on ").strip()
        if not url.startswith("http"):
            raise BrignbError(f"the server did not start:\n{log.read_text()}", where="demo")
        token = (home / "token").read_text().strip()
        with httpx.Client(base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=_PATIENCE) as http:
            yield url, http
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=_PATIENCE)
        if process.stdout:
            process.stdout.close()


def _checked(answer: httpx.Response) -> Any:
    if answer.is_error:
        raise BrignbError(
            f"{answer.request.method} {answer.request.url.path} answered {answer.status_code}: {answer.text}"
        )
    return answer.json()


def _where_next(console: Console, story: _Story, *, keep: bool) -> None:
    program = "brignb" if shutil.which("brignb") else os.path.relpath(Path(sys.executable).parent / "brignb")
    if keep:
        console.print("What happened is on record: each build is its notebook, executed. In another terminal:")
        prefix = f"BRIGNB_HOME={story._folder / 'home'} {program}"  # noqa: SLF001 - one module
        console.print(f"    {prefix} build list", markup=False)
        console.print(f"    {prefix} build logs {story.builds[0]}", markup=False)
        console.print(f"    {prefix} build record {story.builds[0]} --output record.ipynb", markup=False)
    else:
        console.print(
            f"Its folder is gone again. [bold]{program} demo --keep[/] leaves the server running, and says how to look at its builds:\n"
            "their logs, and their records (each is the build's notebook, executed)."
        )
    console.print(
        f"Your own: [bold]{program} init[/] writes a notebook and a project file; [bold]{program} serve[/] takes events."
    )


def _until_interrupted(console: Console) -> None:
    console.print("\nthe server runs until Ctrl-C")
    try:
        signal.pause()
    except KeyboardInterrupt:
        console.print("stopped")
