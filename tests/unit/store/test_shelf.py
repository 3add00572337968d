"""The projects in memory: read once after each change, never older than the last one."""

from __future__ import annotations

import asyncio
import threading

import pytest

from brignb.errors import Unavailable
from brignb.model.projects import Project
from brignb.store.sealing import Sealer
from brignb.store.shelf import Shelf
from brignb.store.sql import SqlStore

OLD, NEW = Project(name="acme/site", timeout=1), Project(name="acme/site", timeout=2)


class Table:
    """Rows that are read slowly: what was there at the beginning comes once `arrived` is set."""

    def __init__(self):
        self.rows, self.readings = (OLD,), 0
        self.arrived = asyncio.Event()

    async def read(self):
        rows = self.rows
        self.readings += 1
        await self.arrived.wait()
        return rows


@pytest.fixture
def table():
    return Table()


async def test_it_reads_once(table):
    """Also when many ask at once, and for names that are not there."""
    shelf = Shelf(table.read)
    table.arrived.set()
    found = await asyncio.gather(*(shelf.get(name) for name in (OLD.name, OLD.id, "acme/none") * 10))
    assert found == [OLD, OLD, None] * 10
    assert await shelf.all() == (OLD,)
    assert table.readings == 1


async def test_a_reading_from_before_a_change_is_not_kept(table):
    """It began before the commit and ends after it."""
    shelf = Shelf(table.read)
    early = asyncio.create_task(shelf.get(OLD.name))
    await asyncio.sleep(0)
    table.rows = (NEW,)
    shelf.clear()
    late = asyncio.create_task(shelf.get(OLD.name))
    table.arrived.set()
    assert [await early, await late] == [OLD, NEW]
    assert await shelf.get(OLD.name) == NEW


async def test_a_reading_that_failed_is_tried_again():
    """A database that was locked for a while."""
    answers = [Unavailable("locked"), (OLD,)]

    async def read():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    shelf = Shelf(read)
    with pytest.raises(Unavailable):
        await shelf.all()
    assert await shelf.all() == (OLD,)


async def test_a_change_whose_caller_went_away_is_seen(store):
    """He is canceled before the commit, and the old project is read before it too; still nobody sees it afterwards."""
    writing, commit = threading.Event(), threading.Event()

    def hold(_connection):
        writing.set()
        assert commit.wait(10)

    held = store._database.write(hold)
    await asyncio.to_thread(writing.wait, 10)
    caller = asyncio.create_task(store.put_project(NEW, at=6, replace=True))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert (await store.project(NEW.name)).timeout != NEW.timeout
    commit.set()
    await held
    await store.check()  # stands behind the change in the writer's queue
    assert await store.project(NEW.name) == NEW


async def test_whoever_changes_projects_hears_of_it_too(tmp_path):
    """Warm workers of a new project are made by the same process, which gets no word of its own from the database."""
    changes: list[int] = []
    store = SqlStore(f"sqlite:///{tmp_path}/brignb.db", Sealer(bytes(32)), changed=lambda: changes.append(1))
    await store.open()
    await store.put_project(OLD, at=0)
    await store.put_project(NEW, at=1, replace=True)
    await store.delete_project(OLD.name)
    await store.close()
    assert len(changes) == 3
