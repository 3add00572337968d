"""What is PostgreSQL's own: how it is connected to, and the settings that durability rests on.

A writing transaction begins with the database's one writing lock, an advisory one: like SQLite's BEGIN IMMEDIATE it waits for its turn
at the beginning and never fails half-way, however many servers and gateways write to this database; groups that wait grow. So
`seq` is the order of commits, a delivery that comes in at two gateways at once is seen by the second, and two servers that start at
once migrate once. Reading ones see one snapshot.

What must never happen: a commit that is answered before it is on the disk; a lock that a dead or silent process keeps.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, Final, cast

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from brignb.errors import Away, BadInput, Unavailable
from brignb.store.telling import OWN

PEN: Final = 0x6272_6967_6E64
"""The lock of who writes as a leader (`leadership`): of this process's writing session, for as long as that lives."""
WRITING: Final = 0x6272_6967_6E62
"""The writing lock's number: `brignb` in ASCII. Locks are per database."""
_OLDEST: Final = 13
_SILENT_MS: Final = 10_000
"""How long a transaction may stand idle (a writer that was stopped, or its machine) before the server ends it."""
CONNECT: Final[dict[str, str | int]] = {
    "application_name": "brignb",
    "client_encoding": "utf8",
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""libpq's words: a database whose machine is gone is noticed within 25 s. The URL's own win."""


class PostgreSQL:
    """Implements `brignb.store.backends.Backend`.

    Args:
        url: Its query holds libpq's words, such as `sslmode` and `host` (a socket's folder).
        wait_ms: How long to wait for the writing lock.

    Raises:
        BadInput: It names no database.
    """

    name = "postgresql"
    readers = 4

    def __init__(self, url: URL, *, wait_ms: int) -> None:
        if not url.database:
            raise BadInput("it names no database", where="--store", hint="postgresql://USER@HOST/DATABASE")
        self.where = URL.create("postgresql", host=url.host, port=url.port, database=url.database).render_as_string()
        self._url = url.set(drivername="postgresql+psycopg")
        self._wait_ms = wait_ms
        self.own = secrets.token_hex(8)
        self.pen = 0
        self._leads = False

    def prepare(self) -> None:
        """Whoever made the database has done it."""

    def writing(self) -> Engine:
        """The one writing connection of this process."""
        durable = _durable(self._wait_ms)

        def settle(connection: psycopg.Connection) -> None:
            durable(connection)
            if self._leads:
                self._take_pen(connection)

        engine = self._engine(1, settle)
        event.listen(engine, "begin", _alone)
        return engine

    def lead(self, connection: Connection) -> None:
        """This writing connection, and each that comes after it, has `PEN`, or writes nothing.

        Raises:
            Away: It cannot be had: another server has it, or a session of this one that is about to end.
        """
        self._leads = True
        self._hold_pen(cast("psycopg.Connection", connection.connection.driver_connection))
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({PEN})")

    def _take_pen(self, connection: psycopg.Connection) -> None:
        self._hold_pen(connection)
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", (PEN,)).fetchone()
        if row != (True,):
            raise Away("another session writes in this server's place", where=self.where)

    def _hold_pen(self, connection: psycopg.Connection) -> None:
        """Said first, or `Leadership` would take it for a stranger's."""
        self.pen = connection.info.backend_pid

    def reading(self) -> Engine:
        """Connections that only read."""
        return self._engine(self.readers, _looking)

    def _engine(self, size: int, settle: Callable[[psycopg.Connection], None]) -> Engine:
        engine = create_engine(
            self._url,
            pool_size=size,
            max_overflow=0,
            pool_pre_ping=True,  # after the database's restart nobody is told of connections that it has cut
            paramstyle="format",  # by position: see `bulk`
            connect_args={name: value for name, value in CONNECT.items() if name not in self._url.query},
        )
        event.listen(engine, "connect", _settling(settle, self.own))
        return engine


def _alone(connection: Connection) -> None:
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITING})")


def _settling(
    settle: Callable[[psycopg.Connection], None], own: str
) -> Callable[[psycopg.Connection, ConnectionPoolEntry], None]:
    def connected(connection: psycopg.Connection, record: ConnectionPoolEntry) -> None:
        record.info[OWN] = own
        try:
            connection.autocommit = True
            _check(connection)
            # A plan that was kept from when a table was empty reads all of it for ever; planning ours costs next to nothing.
            _set(connection, "plan_cache_mode", "force_custom_plan")
            settle(connection)
            connection.autocommit = False
        except BaseException:
            connection.close()  # the pool has not taken it yet
            raise

    return connected


def _check(connection: psycopg.Connection) -> None:
    """That this server can keep what brignb promises."""
    version = connection.info.server_version // 10_000
    if version < _OLDEST:
        raise Unavailable(f"it is PostgreSQL {version}; brignb needs {_OLDEST} or later", where="--store")
    if (encoding := _shown(connection, "server_encoding")) != "UTF8":
        raise Unavailable(
            f"the database's encoding is {encoding}, which cannot hold all text",
            where="--store",
            hint="createdb --encoding UTF8 --template template0 DATABASE",
        )
    if _shown(connection, "fsync") != "on":
        raise Unavailable(
            "the server runs with fsync=off: a power cut would take what brignb has acknowledged, and more",
            where="--store",
            hint="set fsync = on in its postgresql.conf",
        )


def _durable(wait_ms: int) -> Callable[[psycopg.Connection], None]:
    def settle(connection: psycopg.Connection) -> None:
        if _shown(connection, "synchronous_commit") in {
            "off",
            "local",
        }:  # the operator may ask for more than `on`, not for less
            _set(connection, "synchronous_commit", "on")
        _set(
            connection, "enable_seqscan", "off"
        )  # all that a writer looks for has an index; 100 keys at once look dearer than they are
        _set(connection, "lock_timeout", wait_ms)
        _set(connection, "idle_in_transaction_session_timeout", _SILENT_MS)

    return settle


def _looking(connection: psycopg.Connection) -> None:
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True


def _shown(connection: psycopg.Connection, name: str) -> Any:
    row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
    return row and row[0]


def _set(connection: psycopg.Connection, name: str, value: str | int) -> None:
    connection.execute("SELECT set_config(%s, %s, false)", (name, str(value)))
