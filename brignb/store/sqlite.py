"""What is SQLite's own: how a file is opened, and the settings that durability rests on.

Every connection is asked whether it took them. Transactions are ours (`isolation_level=None`; Python's own begin too late): writing
ones begin with IMMEDIATE, so that they wait for the lock at once and never fail half-way; reading ones see one snapshot.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event

from brignb.errors import BadInput, Unavailable

_WRITER_CACHE_KB: Final = 16_000  # a group of large payloads fits, and is written once
_DURABLE: Final[dict[str, str | int]] = {
    "journal_mode": "wal",
    "synchronous": 2,  # FULL: the log is on the disk before a commit returns
    "foreign_keys": 1,
}


class SQLite:
    """Implements `brignb.store.backends.Backend`.

    Args:
        url: Of a file.
        wait_ms: How long to wait while another program holds it locked.

    Raises:
        BadInput: A database in memory: its readers would see nothing.
    """

    name = "sqlite"
    own = ""
    pen = 0
    readers = 4

    def __init__(self, url: URL, *, wait_ms: int) -> None:
        if url.database in {None, "", ":memory:"}:
            raise BadInput("a SQLite store needs a file", where="--store", hint="sqlite:////full/path/brignb.db")
        self.where = str(url.database)
        self._url = url
        self._settings = {**_DURABLE, "busy_timeout": wait_ms}

    def prepare(self) -> None:
        """Make the file, 0600, when there is none; its log and index files take their mode from it.

        Raises:
            Unavailable: It cannot be made.
        """
        try:
            os.close(os.open(self.where, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return
        except OSError as error:
            raise Unavailable(f"the database cannot be made: {error.strerror}", where=self.where) from error

    def writing(self) -> Engine:
        """The one writing connection."""
        pragmas = {**self._settings, "cache_size": -_WRITER_CACHE_KB}
        return _engine(self._url, size=1, begin="BEGIN IMMEDIATE", pragmas=pragmas)

    def lead(self, _connection: Connection) -> None:
        """The home's lock sees to it."""

    def reading(self) -> Engine:
        """Connections that only read."""
        return _engine(self._url, size=self.readers, begin="BEGIN", pragmas={**self._settings, "query_only": 1})


def _engine(url: URL, *, size: int, begin: str, pragmas: dict[str, str | int]) -> Engine:
    engine = create_engine(url, pool_size=size, max_overflow=0)
    event.listen(engine, "connect", _settle(pragmas))
    event.listen(engine, "begin", _begin(begin))
    return engine


def _begin(statement: str) -> Callable[[Connection], None]:
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(statement)

    return begin


def _settle(pragmas: dict[str, str | int]) -> Callable[[sqlite3.Connection, Any], None]:
    def settle(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None
        try:
            for name, wanted in pragmas.items():
                _set(connection, name, wanted)
        except BaseException:
            connection.close()  # the pool has not taken it yet
            raise

    return settle


def _set(connection: sqlite3.Connection, name: str, wanted: str | int) -> None:
    connection.execute(f"PRAGMA {name} = {wanted}")
    (found,) = connection.execute(f"PRAGMA {name}").fetchone()
    if found != wanted:
        raise Unavailable(
            f"SQLite keeps {name} at {found!r} where {wanted!r} is needed",
            hint="put the database on a local disk: a write-ahead log does not work on network file systems",
        )
