"""A database as a few threads and connections: one writer, some readers, all behind awaitables.

Reads run in a snapshot of their own, in a thread of their own; writes go to the one `Writer`. Every failure leaves as one of
`brignb.errors`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import URL, Connection

from brignb.errors import Unavailable
from brignb.store import sqlite
from brignb.store.failures import explained
from brignb.store.writer import Batch, Writer

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item")
Work = Callable[Concatenate[Connection, P], T]


class Database:
    """Opened once and closed once, on one event loop.

    Args:
        url: Of SQLite.
        busy_ms: How long to wait for another program's lock.
    """

    def __init__(self, url: URL, *, busy_ms: int) -> None:
        self._url = url
        self._where = url.render_as_string(hide_password=True)
        self._writing = sqlite.writing(url, busy_ms=busy_ms)
        self._reading = sqlite.reading(url, busy_ms=busy_ms)
        self._readers = ThreadPoolExecutor(sqlite.READERS, thread_name_prefix="store-reader")
        self._writer = Writer(self._writing, where=self._where)
        self._open = False

    async def open(self, prepare: Callable[[Connection], None]) -> None:
        """Make the file when there is none, prepare it in one transaction, start the writer.

        Raises:
            Unavailable: It cannot be opened, or `prepare` says so.
        """
        try:
            await asyncio.to_thread(self._prepare, prepare)
        except Exception:
            await self.close()
            raise
        self._writer.start()
        self._open = True

    def _prepare(self, prepare: Callable[[Connection], None]) -> None:
        try:
            sqlite.make_private(self._url)
            with self._writing.begin() as connection:
                prepare(connection)
        except Exception as error:
            raise explained(error, self._where) from error

    async def close(self) -> None:
        """Finish what was begun, let go of everything."""
        self._open = False
        await self._writer.close()
        await asyncio.to_thread(self._readers.shutdown)
        self._reading.dispose()
        self._writing.dispose()

    async def read(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `work` answers about one snapshot: the newest committed one."""
        if not self._open:
            raise Unavailable("the store is closed", where=self._where)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._readers, self._look, lambda connection: work(connection, *args, **kwargs)
        )

    def _look(self, work: Callable[[Connection], T]) -> T:
        try:
            with self._reading.begin() as connection:
                return work(connection)
        except Exception as error:
            raise explained(error, self._where) from error

    def write(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        """What `work` answers, once it is committed."""
        return self._writer.run(lambda connection: work(connection, *args, **kwargs))

    def join(self, batch: Batch[Item, T], item: Item) -> asyncio.Future[T]:
        """The same of an operation that is done together with others of its kind."""
        return self._writer.join(batch, item)
