"""SQLite as we open it, and what happens when the disk is full, the file locked, read-only or gone."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys

import pytest

from brignb.errors import BadInput, Unavailable
from brignb.model.builds import State
from brignb.model.projects import Project
from brignb.store import sqlite
from brignb.store.sealing import Sealer
from brignb.store.sql import SqlStore

SETTINGS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 50}


def pragma(connection, name):
    return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


async def test_every_connection_is_durable(store):
    """Of the writer and of each reader: a forgotten setting loses what was acknowledged, silently."""

    def settings(connection):
        return {name: pragma(connection, name) for name in SETTINGS}

    database = store._database
    assert await database.write(settings) == SETTINGS
    found = await asyncio.gather(*(database.read(settings) for _ in range(20)))
    assert all(one == SETTINGS for one in found)


async def test_readers_cannot_write(store):
    with pytest.raises(Unavailable, match="readonly"):
        await store._database.read(lambda connection: connection.exec_driver_sql("DELETE FROM projects"))
    assert await store.projects()


def test_a_setting_that_is_not_taken_is_noticed():
    """SQLite ignores what it cannot do, such as a write-ahead log of a database in memory."""
    connection = sqlite3.connect(":memory:")
    with pytest.raises(Unavailable, match="journal_mode"):
        sqlite._settle({"journal_mode": "wal"})(connection, None)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")


async def test_the_files_are_private(store, database, arrival):
    """The payloads of private repositories are in them."""
    await store.accept([arrival(1)])
    modes = {path.name: path.stat().st_mode & 0o777 for path in database.parent.iterdir()}
    assert set(modes) == {"brignb.db", "brignb.db-wal", "brignb.db-shm"}
    assert set(modes.values()) == {0o600}


async def test_no_secret_is_in_the_files(store, database):
    """Neither in the database nor in its log, and not once the log is folded in."""
    secrets = ["shared-0123456789", "slack-0123456789", "ssh-0123456789"]
    project = Project(name="acme/x", shared_secret=secrets[0], secrets={"SLACK": secrets[1]}, ssh_key=secrets[2])
    await store.put_project(project, at=1)
    await store.put_project(project, at=2, replace=True)
    assert await store.project("acme/x") == project
    assert found("acme/x", database.parent), "the files are looked into"
    assert not found("|".join(secrets), database.parent)
    await store.close()
    assert not found("|".join(secrets), database.parent)


def found(pattern, folder):
    """By another process: a file of SQLite's that is opened and closed in this one would lose its locks."""
    return subprocess.run(["grep", "-rlaE", pattern, folder], check=False, capture_output=True).stdout


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_store_needs_a_file(url, sealer):
    with pytest.raises(BadInput):
        SqlStore(url, sealer)


@pytest.mark.parametrize("url", ["", "brignb.db", "/srv/brignb.db", "mysql://h/db", "http://h", "sqlite:"])
def test_other_urls_are_refused(url, sealer):
    with pytest.raises(BadInput) as refused:
        SqlStore(url, sealer)
    assert refused.value.hint.startswith("sqlite:////full/path/brignb.db")


async def test_another_key_is_noticed_at_once(store, make_store):
    """Not at the first webhook: the server does not start, and says which file to look at."""
    await store.close()
    other = make_store(sealer=Sealer(b"j" * 32, origin="/home/of/key"))
    with pytest.raises(Unavailable, match="another key") as refused:
        await other.open()
    assert "/home/of/key" in refused.value.hint


async def test_no_database(database, make_store):
    database.write_bytes(b"this is a diary, not a database" * 100)
    with pytest.raises(Unavailable, match="not a database"):
        await make_store().open()
    assert database.read_bytes().startswith(b"this is a diary"), "somebody else's file is left alone"


async def test_no_folder(tmp_path, sealer):
    store = SqlStore(f"sqlite:///{tmp_path}/none/brignb.db", sealer)
    with pytest.raises(Unavailable, match="No such file"):
        await store.open()


async def test_a_full_disk(store, arrival):
    """Nothing is acknowledged, nothing is half there; once there is room again all goes on."""
    await store.accept([arrival(0, "first")])

    def set_pages(limit):
        return lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count = {limit}").scalar()

    pages = await store._database.write(lambda connection: pragma(connection, "page_count"))
    await store._database.write(set_pages(pages + 20))
    calls = (store.accept([arrival(n, f"d{n}", payload="x" * 10_000)]) for n in range(1, 101))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(answer) for answer in answers} == {Unavailable}
    assert "full" in answers[0].message
    assert (await store.counts())[State.PENDING] == 1
    assert await store.claim(at=2_000, limit=1), "what needs no room still works"
    await store._database.write(set_pages(1_000_000))
    calls = (store.accept([arrival(n, f"d{n}", payload="x" * 10_000)]) for n in range(1, 101))
    assert not any(one.duplicate for (one,) in await asyncio.gather(*calls))
    assert (await store.counts())[State.PENDING] == 100


async def test_a_read_only_database(store, arrival):
    """A file system remounted read-only under a running server: no false yes, and readiness says so."""
    raw = store._database._writing.raw_connection()  # the only one, idle now
    raw.execute("PRAGMA query_only = 1")
    raw.close()
    for ask in (store.accept([arrival(1)]), store.check(), store.put_project(Project(name="a/b"), at=1)):
        with pytest.raises(Unavailable, match="readonly"):
            await ask
    raw = store._database._writing.raw_connection()
    raw.execute("PRAGMA query_only = 0")
    raw.close()
    assert await store.check()
    assert await store.accept([arrival(1)])


async def test_a_locked_database(store, arrival, database):
    """Another program holds it longer than we wait: everybody of the group is told, readers go on."""
    other = sqlite3.connect(database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answers = await asyncio.gather(*(store.accept([arrival(n)]) for n in range(3)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [Unavailable] * 3
    assert "locked" in answers[0].message
    assert (await store.builds()).items == ()
    other.execute("ROLLBACK")
    other.close()
    assert await store.accept([arrival(1)])


async def test_opening_waits_for_nobody_for_ever(make_store, store, database):
    await store.close()
    other = sqlite3.connect(database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="locked"):
        await make_store(busy_ms=50).open()
    other.close()


async def test_a_damaged_row_does_not_pass(store, arrival):
    """The database itself holds what the code promises: states, ends, references."""
    await store.accept([arrival(1)])
    damages = [
        "UPDATE builds SET state = 'sleeping'",
        "UPDATE builds SET state = 'failed'",
        "UPDATE builds SET finished_at = 1",
        "UPDATE builds SET attempt = 0",
        "UPDATE builds SET losses = 1",
        "UPDATE builds SET project = 'acme/gone'",
        "DELETE FROM projects",
    ]
    for damage in damages:
        with pytest.raises(Exception, match=r"CHECK|FOREIGN KEY"):
            await store._database.write(lambda connection, sql=damage: connection.exec_driver_sql(sql))


def test_the_store_is_not_imported_by_the_authors_side():
    """SQLAlchemy takes longer to import than all of `import brignb` may."""
    code = "import brignb, sys; sys.exit('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
