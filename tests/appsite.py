"""The app behind a real socket, with a real store, archive and the real gateways; only builds are played by the tests."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import secrets
import socket
import ssl
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from brignb.api.app import create_app
from brignb.api.protocol import BoundedHttp
from brignb.api.services import Services
from brignb.archive.artifacts import pack_artifacts
from brignb.archive.files import FileArchive
from brignb.archive.seam import RECORD, WORKER
from brignb.controller.notebooks import Notebooks
from brignb.controller.site import Site as BuildSite
from brignb.gateways import CloudEvents, GitHub, Registry, Simple
from brignb.model.builds import JobRecord, Outcome, State
from brignb.model.logs import LogLine
from brignb.model.names import new_id
from brignb.store.news import News
from brignb.store.sealing import Sealer
from brignb.store.sql import SqlStore

TOKEN = "the-token-of-the-tests"
SHARED_SECRET = "a-shared-secret-of-the-tests"
SIMPLE_SECRET = "a-simple-secret"
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Without the world's certificates, whose loading would be most of a test's time."""


class Clock:
    """Moves by one millisecond each time it is read."""

    now = 1_767_225_600_000

    def __call__(self) -> int:
        self.now += 1
        return self.now


@dataclass
class Site:
    """A running app, and what a test needs to play sender, user and worker."""

    services: Services
    store: SqlStore
    archive: FileArchive
    news: News
    url: str
    user: httpx.AsyncClient
    stranger: httpx.AsyncClient
    woken: list[int]
    address: tuple[str, int]
    offsets: dict[tuple[str, str], int] = field(default_factory=dict)

    async def create(self, name: str = "owner/repo", **facts: Any) -> httpx.Response:
        file = {
            "project": name,
            "cloneURL": "https://git.example.com/x.git",
            "sharedSecret": SHARED_SECRET,
            "genericGatewaySecret": SIMPLE_SECRET,
            **facts,
        }
        return await self.user.post("/api/projects", content=json.dumps(file))

    async def raised(self, project: str = "owner/repo", **facts: Any) -> str:
        """A build of a new event."""
        answer = await self.user.post(f"/api/projects/{project}/events", json={"type": "push", **facts})
        assert answer.status_code == 202, answer.text
        return answer.json()["build"]

    async def running(self) -> str:
        """A build that runs."""
        build = await self.raised()
        await self.store.claim(at=self.services.now_ms(), limit=100)
        self.news.ring(build)
        return build

    def write(self, build: str, text: str, *, stream: str = WORKER, at: int = 0, partial: bool = False) -> None:
        """A line, as a worker or a job's pump would keep it."""
        data = LogLine(at or self.services.now_ms(), "stdout", text, partial).encode()
        offset = self.offsets.get((build, stream), 0)
        self.offsets[build, stream] = self.archive.append(build, stream, offset, data)
        self.news.ring(build)

    async def job(self, build: str, name: str, state: State = State.RUNNING, *, run: int = 1) -> str:
        """A job of the build; answers its id."""
        job_id = f"{name}-{build[:-1].lower()}{run}"
        job = JobRecord(id=job_id, build_id=build, attempt=1, name=name, image=None, state=state)
        await self.store.put_job(job)
        self.news.ring(build)
        return job_id

    async def end(self, build: str, state: State = State.SUCCEEDED, **facts: Any) -> None:
        """The build's end, as the controller tells it."""
        outcome = Outcome(state=state, **facts)
        assert await self.store.finish(build, attempt=1, outcome=outcome, at=self.services.now_ms())
        self.news.forget(build)

    async def github(self, body: bytes, *, secret: str = SHARED_SECRET, **headers: str) -> httpx.Response:
        signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        given = {
            "content-type": "application/json",
            "x-github-event": "push",
            "x-github-delivery": secrets.token_hex(8),
            "x-hub-signature-256": signature,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        return await self.stranger.post(
            "/events/github",
            content=body,
            headers=[(name.encode(), value.encode("latin-1")) for name, value in given.items() if value],
        )


def push(project: str = "owner/repo", **facts: Any) -> bytes:
    """A push's body, different each time."""
    payload = {"ref": "refs/heads/main", "after": secrets.token_hex(20), "repository": {"full_name": project}}
    return json.dumps({**payload, **facts}).encode()


@contextlib.asynccontextmanager
async def serving(services: Services, port: int = 0):
    """The app on a port of its own, or on that one; gives its address."""
    config = uvicorn.Config(
        create_app(services),
        http=BoundedHttp,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    with socket.socket(proto=socket.IPPROTO_TCP) as sock:  # without the protocol asyncio leaves Nagle's algorithm on
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", port))
        await server.startup(sockets=[sock])  # without its main loop, which only looks every 100 ms whether to end
        yield sock.getsockname()
        async with asyncio.timeout(10):  # clients have hung up; uvicorn would look for it every 100 ms
            while server.server_state.connections:  # noqa: ASYNC110 - it has no event for it
                await asyncio.sleep(0.001)
        await server.shutdown(sockets=[sock])


@pytest.fixture
async def services(tmp_path):
    async with services_in(tmp_path) as made:
        yield made


@contextlib.asynccontextmanager
async def services_in(tmp_path: Path):
    """What the app is made of, in a folder."""
    store = SqlStore(f"sqlite:///{tmp_path / 'brignb.db'}", Sealer(bytes(32)))
    await store.open()
    archive, news, now = FileArchive(tmp_path / "builds"), News(), Clock()

    async def cancel(build_id):
        build = await store.cancel(build_id, at=now())
        news.ring(build_id)
        return build

    async def record(build_id):
        return archive.get(build_id, RECORD)

    folders = {name: tmp_path / name for name in ("builds", "work", "cache")}
    controllers = BuildSite(
        store=store,
        archive=archive,
        source=None,
        news=news,
        now_ms=now,
        new_ids=lambda at: (new_id(at, secrets.token_bytes(10)), new_id(at, secrets.token_bytes(10))),
        wake=lambda: notebooks.wake(),  # noqa: PLW0108 - it is made of this
        hidden=None,
        **folders,
    )
    notebooks = Notebooks(controllers)
    yield Services(
        store=store,
        archive=archive,
        source=None,
        artifacts=partial(pack_artifacts, tmp_path / "builds"),
        news=news,
        gateways=[GitHub(), Registry(), Simple(), CloudEvents()],
        cr=True,
        token=TOKEN,
        now_ms=now,
        randomness=secrets.token_bytes,
        wake=notebooks.wake,
        cancel=cancel,
        notebooks=notebooks,
        record=record,
        version="0.0.0",
        hosts=("localhost", "127.0.0.1", "::1"),
    )
    await store.close()


@contextlib.asynccontextmanager
async def site_of(services: Services):
    """A site of these services."""
    woken: list[int] = []

    def wake():
        woken.append(1)
        services.notebooks.wake()

    running = replace(services, wake=wake)
    async with serving(running) as address:
        url = f"http://127.0.0.1:{address[1]}"
        bearer = {"authorization": f"Bearer {TOKEN}"}
        async with (
            httpx.AsyncClient(base_url=url, headers=bearer, timeout=20, trust_env=False, verify=NO_TLS) as user,
            httpx.AsyncClient(base_url=url, timeout=20, trust_env=False, verify=NO_TLS) as stranger,
        ):
            store, archive = running.store, running.archive
            yield Site(running, store, archive, running.news, url, user, stranger, woken, address)


@pytest.fixture
async def site(services):
    async with site_of(services) as running:
        yield running


@pytest.fixture
def make_push():
    return push


@pytest.fixture
def site_with(services):
    """Makes a site of other services: `async with site_with(cr=False) as site`."""
    return lambda **facts: site_of(replace(services, **facts))


@pytest.fixture
def refused():
    """Checks a refusal's status and shape; answers its error."""

    def check(answer: httpx.Response, status: int) -> dict[str, str]:
        assert answer.status_code == status, answer.text
        error = answer.json()["error"]
        assert set(error) == {"code", "message", "where", "hint"}
        assert error["message"]
        return error

    return check
