"""Word between processes on one PostgreSQL database, by LISTEN and NOTIFY; and the lock that only one server holds.

    tell("build", ID) ──▶ gathered while the last ones are on their way ──▶ NOTIFY ──▶ every other process's `heard`

What is told here: `build ID` (news of a build), `ended ID` (there is no more), `cancel ID` (it is to end); with its commits the store
tells `pending` and `projects` (`telling`). The two have channels of their own: a gateway does not listen to the first.
Words may be lost while the database is away, so whoever listens again is told `all`: look at everything. What must never happen: a
process that believes it hears when it does not; a server that goes on when another one has taken over.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from typing import Final

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy import make_url

from brignb.errors import Away, Conflict
from brignb.store.postgresql import CONNECT, PostgreSQL
from brignb.store.telling import CHANNEL

log = logging.getLogger(__name__)

NEWS: Final = "brignb_news"
"""The channel of builds; the store's is `telling.CHANNEL`."""
SERVING: Final = 0x6272_6967_6E63
"""The number of the lock that a server holds as long as it lives; held by a connection, so it ends with it."""
_AGAIN: Final = 0.5
"""Seconds until a database that is away is tried again."""
_PORTION: Final = 500

Connection = psycopg.AsyncConnection[tuple[object, ...]]


class Line:
    """See the module. Its methods are called on one event loop.

    Args:
        url: The store's.
        heard: Is called with each word of another process, and what it is about; empty: nothing.
        own: This process's name, as its store has it; None: one of the line's own.
        news: Whether to listen to news of builds.
        alone: Whether to hold the server's lock.
    """

    def __init__(
        self,
        url: str,
        *,
        heard: Callable[[str, str], None],
        own: str | None = None,
        news: bool = True,
        alone: bool = False,
    ) -> None:
        parsed = make_url(url)
        self._where = PostgreSQL(parsed, wait_ms=0).where
        plain = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
        self._conninfo = make_conninfo(plain, **{n: value for n, value in CONNECT.items() if n not in parsed.query})
        self._heard = heard
        self._alone = alone
        self._own = own or secrets.token_hex(8)
        self._channels = (CHANNEL, NEWS) if news else (CHANNEL,)
        self._hearing: Connection | None = None
        self._untold: dict[str, None] = {}
        self._something = asyncio.Event()

    async def open(self) -> None:
        """Listen from here on.

        Raises:
            Away: The database does not answer.
            Conflict: Another server has the lock.
        """
        connection = await self._connected()
        try:
            if self._alone:
                await self._lock(connection)
            for channel in self._channels:
                await connection.execute(f"LISTEN {channel}")
        except psycopg.OperationalError as error:
            await connection.close()
            raise self._away(error) from error
        except BaseException:
            await connection.close()
            raise
        self._hearing = connection

    async def run(self) -> None:
        """Hear and tell until canceled; while the database is away, try again.

        Raises:
            Conflict: Another server has taken over meanwhile.
        """
        both = {asyncio.create_task(self._hear()), asyncio.create_task(self._tell())}
        try:
            done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            done.pop().result()  # neither ends by itself but by an error
        finally:
            for task in both:
                task.cancel()
            await asyncio.wait(both)

    async def close(self) -> None:
        """After `run`: let go, of the lock too."""
        if self._hearing is not None:
            await self._hearing.close()

    def tell(self, word: str, about: str = "") -> None:
        """To all other processes, soon."""
        self._untold[f"{self._own} {word} {about}"] = None
        self._something.set()

    async def _connected(self) -> Connection:
        try:
            return await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True)
        except psycopg.OperationalError as error:
            raise self._away(error) from error

    def _away(self, error: Exception) -> Away:
        return Away(f"the database does not answer: {_first_line(error)}", where=self._where)

    async def _lock(self, connection: Connection) -> None:
        row = await (await connection.execute("SELECT pg_try_advisory_lock(%s)", (SERVING,))).fetchone()
        if not row or not row[0]:
            hint = "stop that one, or give this one another database"
            raise Conflict("another server has this database", where=self._where, hint=hint)

    async def _hear(self) -> None:
        while True:
            if self._hearing is None:
                await self._again()
                self._heard("all", "")
                continue
            try:
                async for notice in self._hearing.notifies():
                    own, word, about = notice.payload.split(" ", 2)
                    if own != self._own:
                        self._heard(word, about)
            except psycopg.OperationalError as error:
                log.error("the line to the database is cut: %s", _first_line(error))  # noqa: TRY400 - for people
                await self._hearing.close()
                self._hearing = None

    async def _again(self) -> None:
        while True:
            try:
                return await self.open()
            except Away:
                await asyncio.sleep(_AGAIN)

    async def _tell(self) -> None:
        connection: Connection | None = None
        try:
            while True:
                await self._something.wait()
                self._something.clear()
                words, self._untold = list(self._untold), {}
                try:
                    connection = connection or await self._connected()
                    for start in range(0, len(words), _PORTION):
                        portion = words[start : start + _PORTION]
                        await connection.execute("SELECT pg_notify(%s, w) FROM unnest(%s::text[]) w", (NEWS, portion))
                except (Away, psycopg.OperationalError):
                    self._untold = dict.fromkeys(words) | self._untold
                    if connection is not None:
                        await connection.close()
                    connection = None
                    self._something.set()
                    await asyncio.sleep(_AGAIN)
        finally:
            if connection is not None:
                await connection.close()


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [repr(error)])[0]
