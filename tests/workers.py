"""A controller of worker pods on a real cluster and a real store, and short words to try it with."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import kube

from brignb.archive.files import FileArchive
from brignb.archive.seam import WORKER
from brignb.cluster.connection import connect
from brignb.controller.pods.settings import Settings
from brignb.controller.pods.tending import WorkerPods
from brignb.controller.site import Site
from brignb.model.builds import Build
from brignb.model.events import Draft
from brignb.model.names import new_id
from brignb.model.projects import Project
from brignb.model.tokens import Tokens
from brignb.store.news import News
from brignb.store.sealing import Sealer
from brignb.store.seam import Accept
from brignb.store.sql import SqlStore

WITHIN = 60
"""Seconds for anything here."""
SETTINGS = Settings(image=kube.IMAGE, server="http://10.255.255.1:9", pull_grace=3, schedule_grace=3)


def ids(at: int) -> tuple[str, str]:
    return new_id(at, secrets.token_bytes(10)), new_id(at, secrets.token_bytes(10))


@dataclass
class Workers:
    """Worker pods in one namespace."""

    site: Site
    namespace: str
    tokens: Tokens
    settings: Settings
    leading: asyncio.Task | None = None
    made: list[WorkerPods] = field(default_factory=list)

    @property
    def controller(self) -> WorkerPods:
        return self.made[-1]

    async def lead(self, *, connection=None, **more) -> None:
        """Become the leader, as a process does that has just started."""
        self.connection = connection or await connect()
        settings = Settings(**{**{name: getattr(self.settings, name) for name in Settings.__slots__}, **more})
        self.made.append(WorkerPods(self.site, self.tokens, self.connection, settings))
        self.leading = asyncio.create_task(self.controller.run())

    async def resign(self) -> None:
        """End as a killed process does: nothing is tidied up."""
        assert self.leading
        self.leading.cancel()
        await asyncio.gather(self.leading, return_exceptions=True)
        await self.connection.close()

    async def project(self, name: str = "owner/repo", **facts) -> Project:
        project = Project(name=name, namespace=self.namespace, **{"default_notebook": "{}", **facts})
        await self.site.store.put_project(project, at=self.site.now_ms(), replace=True)
        if self.made:
            self.controller.projects_changed()
        return project

    async def event(self, project: str = "owner/repo") -> str:
        """One; its build's id."""
        at = self.site.now_ms()
        event_id, build_id = ids(at)
        draft = Draft(gateway="api", source="api", type="push")
        accept = Accept(project=project, draft=draft, event_id=event_id, build_id=build_id, at=at)
        await self.site.store.accept([accept])
        if self.made:
            self.controller.wake()
        return build_id

    async def until(self, true) -> Build:
        """Ask until it is so; what is true is answered."""
        async with asyncio.timeout(WITHIN):
            while not (found := await true()):
                if self.leading and self.leading.done() and not self.leading.cancelled():
                    self.leading.result()  # raises what it died of
                await asyncio.sleep(0.05)
        return found

    async def until_build(self, build_id: str, true) -> Build:
        async def asked():
            build = await self.site.store.build(build_id)
            return build if build and true(build) else None

        return await self.until(asked)

    async def ended(self, build_id: str) -> Build:
        return await self.until_build(build_id, lambda build: build.state.terminal)

    async def objects(self, kind: str, selector: str = "app.kubernetes.io/managed-by=brignb") -> list[dict]:
        where = f"/api/v1/namespaces/{self.namespace}/{kind}"
        return (await kube.ask("GET", where, labelSelector=selector))["items"]

    async def pods(self) -> list[str]:
        return [each["metadata"]["name"] for each in await self.objects("pods")]

    async def until_running(self, count: int = 1) -> list[str]:
        """Names of pods whose container runs."""

        async def running():
            found = [each for each in await self.objects("pods") if each["status"]["phase"] == "Running"]
            return [each["metadata"]["name"] for each in found] if len(found) >= count else None

        return await self.until(running)

    async def until_nothing(self) -> None:
        """Neither pods nor Secrets."""

        async def nothing():
            return not [*await self.objects("pods"), *await self.objects("secrets")]

        await self.until(nothing)

    async def clear(self) -> None:
        """Leave nothing."""
        if self.leading and not self.leading.done():
            await self.resign()
        for kind in ("pods", "secrets"):
            where = f"/api/v1/namespaces/{self.namespace}/{kind}"
            await kube.ask(
                "DELETE", where, {"gracePeriodSeconds": 0}, labelSelector="app.kubernetes.io/managed-by=brignb"
            )
        await self.until_nothing()

    async def delete(self, pod: str, grace: int = 0) -> None:
        where = f"/api/v1/namespaces/{self.namespace}/pods/{pod}"
        await kube.ask("DELETE", where, {"gracePeriodSeconds": grace})

    def said(self, build_id: str) -> str:
        return self.site.archive.read(build_id, WORKER).decode()


@asynccontextmanager
async def workers(folder: Path, namespace: str, **more):
    """On embedded defaults; nobody leads yet."""
    store = SqlStore(f"sqlite:///{folder}/brignb.db", Sealer(bytes(32)))
    await store.open()
    site = Site(
        store=store,
        archive=FileArchive(folder / "builds"),
        source=None,
        news=News(),
        now_ms=kube.now_ms,
        new_ids=ids,
        wake=lambda: None,
        builds=folder / "builds",
        work=folder / "work",
        cache=folder / "cache",
        hidden=None,
    )
    settings = Settings(
        **{**{name: getattr(SETTINGS, name) for name in Settings.__slots__}, "namespace": namespace, **more}
    )
    found = Workers(site, namespace, Tokens(bytes(32)), settings)
    try:
        yield found
    finally:
        await store.close()
