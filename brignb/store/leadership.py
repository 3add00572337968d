"""Who builds from a PostgreSQL database: one process at a time, by two locks of the database.

    SERVING   of a session of its own, which lives as this process's event loop lives: who has it leads, who wants it waits for it
    WRITING   of the process's writing connection: who leads cuts off whoever else still has it; without it nothing is written

So who was stopped, or cut off, and is back when another one leads, can write nothing, whatever it was about to write: its session is
gone, and the next one does not get the lock. The database gives SERVING away when its session ends (the process was killed), or was
silent for `SILENCE` (it was stopped; PostgreSQL 14 or later).

What must never happen: two that write as leaders; one that goes on when another has taken over.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final, NoReturn

import psycopg

from brignb.errors import Away, Conflict
from brignb.store.postgresql import PEN
from brignb.store.reaching import AGAIN, Connection, Reach
from brignb.store.sql import SqlStore

log = logging.getLogger(__name__)

SERVING: Final = 0x6272_6967_6E63
"""The number of the first lock; the second is `postgresql.PEN`."""
BEAT: Final = 2.0
"""Seconds between two signs of life."""
SILENCE: Final = 10.0
"""Seconds without one after which the database takes the lock."""
_CAN_TELL: Final = 140_000
"""The version of PostgreSQL that can tell the silent, and those who went away while they waited."""
_TELLS: Final = "SELECT set_config('idle_session_timeout', %(silence)s, false), set_config('client_connection_check_interval', '2s', false)"
_TRY: Final = "SELECT pg_try_advisory_lock(%(lock)s)"
_WAIT: Final = "SELECT pg_advisory_lock(%(lock)s)"
_OF: Final = (
    "locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND objsubid = 1 AND classid = (%(lock)s::bigint >> 32)::oid AND objid = (%(lock)s::bigint & 4294967295)::oid"
)
_CUT_OFF: Final = f"SELECT pg_terminate_backend(pid) FROM pg_locks WHERE {_OF} AND granted AND pid <> %(but)s"  # noqa: S608 - our own
_OWN_GHOST: Final = (
    f"SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid)"  # noqa: S608 - the same
    f" WHERE {_OF} AND granted AND application_name = %(name)s"
)


class Leadership:
    """See the module.

    Args:
        url: The store's.
        store: Opened; writes as a leader from `take` on.
        silence: Seconds after which the database gives the lock away.
    """

    def __init__(self, url: str, store: SqlStore, *, silence: float = SILENCE) -> None:
        self._silence = silence
        self._name = f"brignb {store.own}"
        self._reach = Reach(url, application_name=self._name)
        self._store = store
        self._session: Connection | None = None

    async def take(self, *, wait: bool) -> None:
        """Lead from here on.

        Args:
            wait: Whether to wait while another one leads.

        Raises:
            Away: The database does not answer, and nobody waits.
            Conflict: Another one leads, and nobody waits.
        """
        while True:
            try:
                if self._session is None:
                    await self._open(wait=wait)
                await self._beat()
                return await self._store.lead()
            except Away as error:
                if not wait:
                    raise
                log.error("%s", error)  # noqa: TRY400 - an error for people
                await asyncio.sleep(AGAIN)

    async def keep(self) -> NoReturn:
        """Stay alive in the eyes of the database, until canceled.

        Raises:
            Conflict: Another one leads by now.
        """
        while True:
            try:
                if self._session is None:
                    await self._again()
                    log.info("this server leads again")
                await self._beat()
                await self._pause()
            except Away as error:
                log.error("%s", error)  # noqa: TRY400 - the same
                await asyncio.sleep(AGAIN)

    async def _again(self) -> None:
        """Others may have led meanwhile, and be gone: then a builder that begins anew has to see to what they have left."""
        await self._open(wait=False)
        try:
            if await self._store.led_last():
                return
        except Away:
            await self.close()
            raise
        raise Conflict("another server has led meanwhile", where=self._reach.where)

    async def close(self) -> None:
        """Let go; who waits leads."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _open(self, *, wait: bool) -> None:
        connection = await self._reach.connected()
        try:
            await self._lock(connection, wait=wait)
        except BaseException:
            await connection.close()
            raise
        self._session = connection

    async def _lock(self, connection: Connection, *, wait: bool) -> None:
        if connection.info.server_version >= _CAN_TELL:
            await self._ask(connection, _TELLS, silence=f"{self._silence:g}s")
        if await self._ask(connection, _OWN_GHOST, lock=SERVING, name=self._name):
            raise Away("our own session was cut off, and ends now", where=self._reach.where)
        if await self._ask(connection, _TRY, lock=SERVING) == (True,):
            return
        if not wait:
            hint = "stop that one, or give this one another database"
            raise Conflict("another server has this database", where=self._reach.where, hint=hint)
        log.info("another server has this database; this one waits for its turn")
        await self._ask(connection, _WAIT, lock=SERVING)

    async def _beat(self) -> None:
        """This process lives; nobody else writes in its place."""
        assert self._session is not None  # noqa: S101 - its callers have it opened
        try:
            await self._ask(self._session, _CUT_OFF, lock=PEN, but=self._store.pen)
        except Away:
            await self.close()
            raise

    async def _pause(self) -> None:
        """Until the next beat; a session that is cut off is noticed at once."""
        assert self._session is not None  # noqa: S101 - the same
        try:
            async for _nothing in self._session.notifies(timeout=BEAT):
                pass
        except psycopg.OperationalError as error:
            await self.close()
            raise self._reach.away(error) from error

    async def _ask(self, connection: Connection, statement: str, **values: Any) -> Any:
        try:
            return await (await connection.execute(statement, values)).fetchone()
        except psycopg.OperationalError as error:
            raise self._reach.away(error) from error
