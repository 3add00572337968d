"""The controller's end: what was claimed is waited for."""

import asyncio
from dataclasses import replace

from brignb.archive.files import FileArchive
from brignb.controller import loop
from brignb.controller.loop import Controller
from brignb.controller.notebooks import Notebooks
from brignb.controller.site import Site
from brignb.errors import Away
from brignb.model.events import Draft
from brignb.model.names import new_id
from brignb.model.projects import Project
from brignb.store.news import News
from brignb.store.patience import patient
from brignb.store.sealing import Sealer
from brignb.store.seam import Accept
from brignb.store.sql import SqlStore

NOW = 1_800_000_000_000


class SlowStore(SqlStore):
    """Its claims are done, and told when the test says so."""

    def __init__(self, url: str) -> None:
        super().__init__(url, Sealer(bytes(32)))
        self.claimed, self.tell = asyncio.Event(), asyncio.Event()

    async def claim(self, *, at, limit, **rest):
        found = await super().claim(at=at, limit=limit, **rest)
        self.claimed.set()
        await self.tell.wait()
        return found


async def with_a_build(store, tmp_path):
    """The store, opened, a site with it, and the id of a build that waits in it. Its notebook cannot be run."""
    await store.open()
    await store.put_project(Project(name="o/r", default_notebook="{}"), at=NOW)
    build = new_id(NOW, bytes(10))
    draft = Draft(gateway="api", source="api", type="push")
    await store.accept(
        [Accept(project="o/r", draft=draft, event_id=new_id(NOW + 1, bytes(10)), build_id=build, at=NOW)]
    )
    site = Site(
        store=store,
        archive=FileArchive(tmp_path / "builds"),
        source=None,
        news=News(),
        now_ms=lambda: NOW,
        new_ids=lambda at: ("", ""),
        wake=lambda: None,
        builds=tmp_path / "builds",
        work=tmp_path / "work",
        cache=tmp_path / "cache",
        hidden=None,
    )
    return store, site, build


async def test_a_build_that_is_being_claimed_is_drained_too(tmp_path):
    """It had its worker killed at once, for the drain had counted the running builds before it was one."""
    store, site, build = await with_a_build(SlowStore(f"sqlite:///{tmp_path}/brignb.db"), tmp_path)
    controller = Controller(site, workers=1, notebooks=Notebooks(site))
    controller.wake()
    claiming = asyncio.create_task(controller.run())
    await store.claimed.wait()
    controller.stop()
    store.tell.set()
    await claiming
    await controller.drain(30)
    assert (await store.build(build)).reason == "notebook_invalid"
    await store.close()


class CutStore(SqlStore):
    """Its first claim is done, and the connection breaks before the answer."""

    cut = True

    async def claim(self, **which):
        found = await super().claim(**which)
        if self.cut and found:
            self.cut = False
            raise Away("the database does not answer")
        return found


async def test_a_claim_that_was_never_answered_is_undone(tmp_path, monkeypatch):
    """Its build was `running` and nobody ran it, until the next start: PostgreSQL had died between commit and answer."""
    monkeypatch.setattr(loop, "_AGAIN", 0)
    store, site, build = await with_a_build(CutStore(f"sqlite:///{tmp_path}/brignb.db", Sealer(bytes(32))), tmp_path)
    site = replace(site, store=patient(store, in_doubt=lambda: controller.doubt()))  # noqa: PLW0108 - made below
    ended = asyncio.Event()
    controller = Controller(site, workers=1, notebooks=Notebooks(site), ended=ended.set)
    controller.wake()
    claiming = asyncio.create_task(controller.run())
    await asyncio.wait_for(ended.wait(), 10)
    controller.stop()
    await claiming
    found = await store.build(build)
    assert (found.reason, found.attempt) == ("notebook_invalid", 2)
    await store.close()
