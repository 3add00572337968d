"""Migrations: they make the tables that the code uses, all of them or none."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from brignb.errors import Unavailable
from brignb.model.builds import State
from brignb.store import schema
from brignb.store.tables import metadata


@pytest.fixture
def migrated(database):
    engine = create_engine(f"sqlite:///{database}")
    with engine.begin() as connection:
        schema.migrate(connection, where="db")
        yield connection
    engine.dispose()


def test_migrations_make_the_tables(migrated):
    """Alembic's own comparison: tables, columns, types, indexes, keys."""
    context = MigrationContext.configure(migrated, opts={"compare_type": True, "compare_server_default": True})
    assert compare_metadata(context, metadata) == []


def test_migrations_make_the_same_checks(migrated):
    """What Alembic does not compare, CHECKs and foreign keys' actions: each table's definition, clause by clause."""
    engine = create_engine("sqlite://")
    with engine.begin() as fresh:
        metadata.create_all(fresh)
        wanted = definitions(fresh)
    engine.dispose()
    found = definitions(migrated)
    del found["alembic_version"], found["sqlite_autoindex_alembic_version_1"]
    assert found == wanted


def definitions(connection):
    rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master").all()
    return {name: clauses(sql or "") for name, sql in rows}


def clauses(sql):
    """Sorted, however they are laid out: a column that was added later stands behind the constraints."""
    body = " ".join(sql.partition("(")[2].rpartition(")")[0].split())
    parts, depth = [""], 0
    for character in body:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return sorted([sql.partition("(")[0], sql.rpartition(")")[2], *map(str.strip, parts)])


def test_migrating_twice_changes_nothing(migrated):
    before = definitions(migrated)
    schema.migrate(migrated, where="db")
    assert definitions(migrated) == before


async def test_a_later_versions_database_is_left_alone(store, make_store, database):
    """An older brignb started by mistake must not write into it."""
    await store.close()
    with sqlite3.connect(database) as other:
        other.execute("UPDATE alembic_version SET version_num = '9999'")
    other.close()
    with pytest.raises(Unavailable, match=r"later version of brignb \(schema 9999") as refused:
        await make_store().open()
    assert refused.value.where == str(database)


async def test_an_older_database_keeps_what_it_holds(make_store, database, arrival):
    """Made by 0001 alone, with a build and a job of that time in it: both are there after the upgrade, and new ones say more."""
    config = Config()
    config.set_main_option("script_location", str(schema._FOLDER))
    engine = create_engine(f"sqlite:///{database}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for statement in (
            "INSERT INTO projects VALUES ('acme/site', 'brigade-1', '{\"name\": \"acme/site\"}', x'', 1, 1)",
            "INSERT INTO events VALUES ('E', 'push', 'github', NULL, NULL, 0, NULL, NULL, '{}')",
            "INSERT INTO builds (id, event_id, project, state, created_at, started_at) VALUES ('B', 'E', 'acme/site', 'running', 1, 2)",
            "INSERT INTO jobs (id, build_id, attempt, name, state) VALUES ('j-1', 'B', 1, 'j', 'running')",
        ):
            connection.exec_driver_sql(statement)
    engine.dispose()
    store = make_store()
    await store.open()
    old = await store.build("B")
    assert (old.state, old.given_notebook, old.jobs[0].digest, old.jobs[0].outputs) == (State.RUNNING, None, None, {})
    done = replace(old.jobs[0], state=State.SUCCEEDED, digest="d" * 64, outputs={"a": "1"})
    assert await store.put_job(done)
    assert (await store.build("B")).jobs == (done,)
    (accepted,) = await store.accept([replace(arrival(1), notebook=b"given")])
    assert await store.notebook(accepted.build_id) == b"given"
    await store.close()


async def test_a_migration_is_whole_or_not_at_all(make_store, database):
    """It fails half-way, here since a table of that name is there already: the database is as it was, and can be helped."""
    with sqlite3.connect(database) as other:
        other.execute("CREATE TABLE jobs (x)")
    other.close()
    with pytest.raises(Unavailable, match="jobs already exists"):
        await make_store().open()
    with sqlite3.connect(database) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("jobs",)]
        other.execute("DROP TABLE jobs")
    other.close()
    store = make_store()
    await store.open()
    assert await store.check()
    await store.close()
