"""Word between processes on one PostgreSQL database, by LISTEN and NOTIFY.

    tell("build", ID) ──▶ gathered while the last ones are on their way ──▶ NOTIFY ──▶ every other process's `heard`

What is told here: `build ID` (news of a build), `ended ID` (there is no more), `cancel ID` (it is to end); with its commits the store
tells `pending` and `projects` (`telling`). The two have channels of their own: a gateway does not listen to the first.
Words may be lost while the database is away, so whoever listens again is told `all`: look at everything. What must never happen: a
process that believes it hears when it does not.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from typing import Final

import psycopg

from brignb.errors import Away
from brignb.store.reaching import AGAIN, Connection, Reach, first_line
from brignb.store.telling import CHANNEL

log = logging.getLogger(__name__)

NEWS: Final = "brignb_news"
"""The channel of builds; the store's is `telling.CHANNEL`."""
_PORTION: Final = 500


class Line:
    """See the module. Its methods are called on one event loop.

    Args:
        url: The store's.
        heard: Is called with each word of another process, and what it is about; empty: nothing.
        own: This process's name, as its store has it; None: one of the line's own.
        news: Whether to listen to news of builds.
    """

    def __init__(
        self, url: str, *, heard: Callable[[str, str], None], own: str | None = None, news: bool = True
    ) -> None:
        self._reach = Reach(url)
        self._heard = heard
        self._own = own or secrets.token_hex(8)
        self._channels = (CHANNEL, NEWS) if news else (CHANNEL,)
        self._hearing: Connection | None = None
        self._untold: dict[str, None] = {}
        self._something = asyncio.Event()

    async def open(self) -> None:
        """Listen from here on.

        Raises:
            Away: The database does not answer.
        """
        connection = await self._reach.connected()
        try:
            for channel in self._channels:
                await connection.execute(f"LISTEN {channel}")
        except psycopg.OperationalError as error:
            await connection.close()
            raise self._reach.away(error) from error
        except BaseException:
            await connection.close()
            raise
        self._hearing = connection

    async def run(self) -> None:
        """Hear and tell until canceled; while the database is away, try again."""
        both = {asyncio.create_task(self._hear()), asyncio.create_task(self._tell())}
        try:
            done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            done.pop().result()  # neither ends by itself but by an error
        finally:
            for task in both:
                task.cancel()
            await asyncio.wait(both)

    async def close(self) -> None:
        """After `run`: let go."""
        if self._hearing is not None:
            await self._hearing.close()

    def tell(self, word: str, about: str = "") -> None:
        """To all other processes, soon."""
        self._untold[f"{self._own} {word} {about}"] = None
        self._something.set()

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
                log.error("the line to the database is cut: %s", first_line(error))  # noqa: TRY400 - for people
                await self._hearing.close()
                self._hearing = None

    async def _again(self) -> None:
        while True:
            try:
                return await self.open()
            except Away:
                await asyncio.sleep(AGAIN)

    async def _tell(self) -> None:
        connection: Connection | None = None
        try:
            while True:
                await self._something.wait()
                self._something.clear()
                words, self._untold = list(self._untold), {}
                try:
                    connection = connection or await self._reach.connected()
                    for start in range(0, len(words), _PORTION):
                        portion = words[start : start + _PORTION]
                        await connection.execute("SELECT pg_notify(%s, w) FROM unnest(%s::text[]) w", (NEWS, portion))
                except (Away, psycopg.OperationalError):
                    self._untold = dict.fromkeys(words) | self._untold
                    if connection is not None:
                        await connection.close()
                    connection = None
                    self._something.set()
                    await asyncio.sleep(AGAIN)
        finally:
            if connection is not None:
                await connection.close()
