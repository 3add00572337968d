"""Connections of an event loop's own to a PostgreSQL database, beside the store's: for what listens, and for what holds a lock."""

from __future__ import annotations

from typing import Final

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy import make_url

from brignb.errors import Away
from brignb.store.postgresql import CONNECT, PostgreSQL

AGAIN: Final = 0.5
"""Seconds until a database that is away is tried again."""

Connection = psycopg.AsyncConnection[tuple[object, ...]]


class Reach:
    """The way to a database.

    Args:
        url: The store's.
        settings: libpq's words, which win over ours and lose to the URL's.
    """

    def __init__(self, url: str, **settings: str) -> None:
        parsed = make_url(url)
        self.where = PostgreSQL(parsed, wait_ms=0).where
        plain = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
        ours = {name: value for name, value in (CONNECT | settings).items() if name not in parsed.query}
        self._conninfo = make_conninfo(plain, **ours)

    async def connected(self) -> Connection:
        """A new connection, each statement a transaction of its own.

        Raises:
            Away: The database does not answer.
        """
        try:
            return await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True)
        except psycopg.OperationalError as error:
            raise self.away(error) from error

    def away(self, error: Exception) -> Away:
        """What a failure means."""
        return Away(f"the database does not answer: {first_line(error)}", where=self.where)


def first_line(error: Exception) -> str:
    """Of an error; further ones may hold values."""
    return (str(error).strip().splitlines() or [repr(error)])[0]
