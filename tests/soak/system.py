"""The system: gateway, two APIs, controller, PostgreSQL, and workers here or away; who sends events, and who reads what became of them.

push (signed, sent again until it is acknowledged) ──▶ gateway ──▶ PostgreSQL ◀── controller, workers ──▶ witness
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from brignb.model.tokens import Tokens
from tests.e2e.conftest import SHARED_SECRET, Pipeline
from tests.e2e.witness import Witness
from tests.postgresql import cluster
from tests.soak.parts import Database, Part, Victim, free_port

LINES = 20
"""Printed by each build."""
PROJECTS = {"soak/once": 0, "soak/again": 20}
"""With the `retries` of each."""
AGAIN = 0.2
"""Seconds until a part that is not there is asked again."""


@dataclass
class System:
    """See the module."""

    folder: Path
    witness: Witness
    gateway: str
    apis: tuple[str, str]
    token: str
    victims: list[Victim] = field(default_factory=list)

    def push(self, project: str, number: int) -> str:
        """An event, once it is acknowledged; its build's id. A sender repeats what was not answered, with the same delivery id."""
        facts = {"repository": {"full_name": project}, "ref": "refs/heads/master", "n": number}
        body = json.dumps(facts).encode()
        headers = {
            "content-type": "application/json",
            "x-github-event": "push",
            "x-github-delivery": f"{project}-{number}",
            "x-hub-signature-256": "sha256=" + hmac.new(SHARED_SECRET.encode(), body, hashlib.sha256).hexdigest(),
        }
        while True:
            try:
                answer = httpx.post(f"{self.gateway}/events/github", content=body, headers=headers, timeout=30)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code in {200, 202}:
                return answer.json()["build"]
            if answer is not None and answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                raise AssertionError(answer.text)
            time.sleep(AGAIN)

    def asked(self, path: str, **query) -> httpx.Response:
        """Of whichever API answers."""
        headers = {"authorization": f"Bearer {self.token}"}
        for url in itertools.cycle(self.apis):
            try:
                answer = httpx.get(url + path, params=query, headers=headers, timeout=30)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                return answer
            time.sleep(AGAIN)
        raise AssertionError

    def builds(self, **query) -> list[dict]:
        """All, newest first."""
        found, cursor = [], None
        while True:
            page = self.asked("/api/builds", limit=200, **query, **({"cursor": cursor} if cursor else {})).json()
            found += page["items"]
            if (cursor := page["next"]) is None:
                return found


@contextmanager
def system(folder: Path, *, away: int) -> Iterator[System]:
    """Started, with both projects; everything ends with it.

    Args:
        folder: For homes and logs.
        away: Workers for each project that take builds over HTTP; 0: the controller has them as processes of its own.
    """
    key, token = secrets.token_bytes(32), secrets.token_hex(16)
    (folder / "key").write_bytes(key)
    (folder / "token").write_text(token)
    for name in ("key", "token"):
        (folder / name).chmod(0o600)
    with ExitStack() as stack:
        witness = stack.enter_context(Witness())
        database = cluster()
        stack.callback(database.stop)
        store = f"{database.url}/postgres"
        ports = {name: free_port() for name in ("github", "api-1", "api-2", "controller")}
        urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}

        def serves(name: str, part: str, *args: str) -> Part:
            words = ["serve", "--parts", part, "--port", str(ports[name]), "--home", str(folder / name), *args]
            words += ["--key-file", str(folder / "key"), "--token-file", str(folder / "token"), "--store", store]
            made = Part(name, folder, lambda: words, ready="listening on ")
            stack.callback(made.stop)
            return made

        def works(project: str, number: int) -> Part:
            name = f"worker-{project.partition('/')[2]}-{number}"
            (folder / f"{name}.token").write_text(Tokens(key).pool(project))
            starts = itertools.count(1)

            def words() -> list[str]:
                pod = f"{name}-{next(starts)}"  # a pod that comes instead of another has a name and a disk of its own
                where = ["--server", urls[f"api-{1 + number % 2}"], "--token-file", str(folder / f"{name}.token")]
                return ["worker", *where, "--work", str(folder / pod), "--name", pod]

            made = Part(name, folder, words, ready=None)
            stack.callback(made.stop)
            return made

        parts: list[Victim] = [serves(name, name.partition("-")[0]) for name in ("github", "api-1", "api-2")]
        parts.append(serves("controller", "controller", "--workers", "0" if away else "4"))
        made = System(folder, witness, urls["github"], (urls["api-1"], urls["api-2"]), token)
        for project, retries in PROJECTS.items():
            file = Pipeline.file(project, None, defaultNotebook=notebook(witness), retries=retries)
            headers = {"authorization": f"Bearer {token}", "content-type": "application/yaml"}
            httpx.post(f"{urls['api-1']}/api/projects", content=file, headers=headers, timeout=30).raise_for_status()
            parts += [works(project, number) for number in range(away)]
        made.victims = [*parts, Database(database)]
        yield made


def notebook(witness: Witness) -> str:
    """Says that it begins, prints its lines, runs a job, says that it has ended."""
    began, _, ended = witness.cell.partition("witness.sendall(f'ended")
    lines = f"import time\nfor n in range({LINES}):\n    print(f'line {{n:03}}', flush=True)\n    time.sleep(0.1)"
    job = "from brignb import Job\nawait Job('greet', tasks=['echo from a job']).run()"
    return Pipeline.notebook(began, lines, job, "witness.sendall(f'ended" + ended)
