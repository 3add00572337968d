"""What is over goes from the store and the archive alike, and nothing else does."""

import asyncio

import pytest

from brignb.archive.files import FileArchive
from brignb.controller import retention
from brignb.controller.retention import Retention
from brignb.controller.site import Site
from brignb.model.builds import Outcome, State
from brignb.model.events import Draft
from brignb.model.names import new_id
from brignb.model.projects import Project
from brignb.store.news import News
from brignb.store.sealing import Sealer
from brignb.store.seam import Accept
from brignb.store.sql import SqlStore

NOW = 1_800_000_000_000


@pytest.fixture
async def site(tmp_path):
    store = SqlStore(f"sqlite:///{tmp_path}/brignb.db", Sealer(bytes(32)))
    await store.open()
    await store.put_project(Project(name="o/r", default_notebook="{}"), at=NOW)
    yield Site(
        store=store,
        archive=FileArchive(tmp_path / "builds"),
        source=None,
        news=News(),
        now_ms=lambda: NOW,
        new_ids=lambda at: ("", ""),
        wake=lambda: None,
        builds=tmp_path / "builds",
        work=tmp_path,
        cache=tmp_path,
        hidden=None,
    )
    await store.close()


def an_id(number: int) -> str:
    return new_id(NOW + number, bytes(10))


async def ended_build(site: Site, number: int) -> str:
    draft = Draft(gateway="api", source="api", type="push")
    accept = Accept(project="o/r", draft=draft, event_id=an_id(number + 1000), build_id=an_id(number), at=NOW + number)
    await site.store.accept([accept])
    await site.store.claim(at=NOW, limit=1)
    await site.store.finish(an_id(number), attempt=1, outcome=Outcome(state=State.SUCCEEDED), at=NOW + number)
    site.archive.put(an_id(number), "record.ipynb", b"{}")
    return an_id(number)


async def test_all_but_the_newest_builds_go_with_their_records(site):
    builds = [await ended_build(site, number) for number in range(5)]
    assert await Retention(site, None, 2).sweep() == 3
    assert [await site.store.build(build) is None for build in builds] == [True, True, True, False, False]
    assert site.archive.builds() == tuple(builds[3:])


async def test_what_the_archive_has_of_builds_that_nobody_knows_goes(site):
    """A kill between the database's commit and the archive's would leave it for ever."""
    kept = await ended_build(site, 1)
    site.archive.put(an_id(99), "record.ipynb", b"{}")
    await Retention(site, None, None)._sweep_strays()
    assert site.archive.builds() == (kept,)


async def test_it_ends_when_a_build_ends_at_the_same_moment(site, monkeypatch):
    """A server that drains cancels builds, each of which wakes the sweep, and then the sweep: it once hung there for an hour."""

    class Swept(Retention):
        async def sweep(self) -> int:
            swept.set()
            return 0

    monkeypatch.setattr(retention, "_PAUSE", 0.0)
    swept = asyncio.Event()
    sweeper = Swept(site, None, None)
    running = asyncio.create_task(sweeper.run())
    await swept.wait()
    for _ in range(5):  # into its wait for the next
        await asyncio.sleep(0)
    sweeper.wake()
    running.cancel()
    await asyncio.wait({running}, timeout=5)
    assert running.cancelled()
