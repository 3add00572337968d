"""Migrations: they make the tables that the code uses, all of them or none."""

from __future__ import annotations

import re
import sqlite3

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from brignb.errors import Unavailable
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
    return {name: sorted(re.split(r"\s*,?\s*\n\s*", sql or "")) for name, sql in rows}


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
