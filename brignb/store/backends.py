"""Which database it is: SQLite in a file, or PostgreSQL. What is the same for both stands everywhere else.

A backend gives engines whose transactions mean the same: a writing one is alone from its beginning on, whoever else writes; a
reading one sees one snapshot. What must never happen: a URL's password in an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from sqlalchemy import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError

from brignb.errors import BadInput
from brignb.store.sqlite import SQLite

if TYPE_CHECKING:
    from brignb.store.postgresql import PostgreSQL

_HINT: Final = "sqlite:////full/path/brignb.db, or postgresql://USER@HOST/DATABASE"


class Backend(Protocol):
    """See the module.

    Args:
        name: Of the database's kind, for `/readyz`.
        where: The database, for errors: no password, no user.
        own: This process's name among those that tell each other words (`telling`).
        pen: The writing connection's session, once it leads; 0: it does not.
        readers: How many connections read at once.
    """

    name: str
    where: str
    own: str
    pen: int
    readers: int

    def prepare(self) -> None:
        """What is to be done before the first connection.

        Raises:
            Unavailable: It cannot be done.
        """

    def writing(self) -> Engine:
        """Of one connection, whose transactions write."""

    def lead(self, connection: Connection) -> None:
        """From now on the writing connection writes as the only leader's; called in a transaction of it.

        Raises:
            Away: It cannot be that now.
        """

    def reading(self) -> Engine:
        """Of `readers` connections that cannot write."""


def backend(url: str, *, wait_ms: int) -> Backend:
    """What a URL names; nothing is connected to yet.

    Args:
        url: As `serve --store` takes it.
        wait_ms: How long a transaction waits for another program's lock.

    Raises:
        BadInput: It is no URL of a database that brignb can use, or its driver is not installed.
    """
    parsed = _parsed(url)
    kind, _, driver = parsed.drivername.partition("+")
    if kind == "sqlite" and driver in {"", "pysqlite"}:
        return SQLite(parsed, wait_ms=wait_ms)
    if kind in {"postgresql", "postgres"} and driver in {"", "psycopg"}:
        return _postgresql()(parsed, wait_ms=wait_ms)
    raise BadInput(f"{parsed.drivername} is no database that brignb can use", where="--store", hint=_HINT)


def _postgresql() -> type[PostgreSQL]:
    try:
        from brignb.store import postgresql  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise BadInput(
            f"PostgreSQL needs a driver that is not installed ({error})",
            where="--store",
            hint="pip install 'brignb[postgresql]'",
        ) from None
    return postgresql.PostgreSQL


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError):  # a port that is no number; the text may hold a password, so it is not shown
        raise BadInput("this is no URL of a database", where="--store", hint=_HINT) from None
