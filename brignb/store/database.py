"""A database as a few threads and connections: one writer, some readers, all behind awaitables.

Reads run in a snapshot of their own, in a thread of their own; writes go to the one `Writer`. Every failure leaves as one of
`brignb.errors`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection

from brignb.errors import Unavailable
from brignb.store.backends import Backend
from brignb.store.failures import explained
from brignb.store.writer import Batch, Writer

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item")
Work = Callable[Concatenate[Connection, P], T]


class Database:
    """Opened once and closed once, on one event loop.

    Args:
        backend: Which one.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._where = backend.where
        self._writing = backend.writing()
        self._reading = backend.reading()
        self._readers = ThreadPoolExecutor(backend.readers, thread_name_prefix="store-reader")
        self._writer = Writer(self._writing, where=self._where)
        self._open = False

    async def open(self, prepare: Callable[[Connection], None]) -> None:
        """Prepare it in one transaction, start the writer. Of several servers that open one at once, each finds it prepared or prepares it.

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
            self._backend.prepare()
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
