"""What a server keeps everything in, by its `--store`.

    nothing, sqlite:…    the store is a file of the home, the archive its folder `builds`
    postgresql://…       the store is there; so is the archive, of builds that have ended: see `archive.places`

With a database that others can reach, parts of a server may be processes apart, which hear each other's words; and a controller
makes sure that it is the only one that builds from it. What must never happen: two controllers on one store.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import IO, TYPE_CHECKING, Final

from brignb.archive.files import FileArchive
from brignb.archive.places import TwoPlaces
from brignb.archive.seam import Archive
from brignb.controller.settling import Settling
from brignb.errors import Away, BadInput
from brignb.model.options import PARTS
from brignb.store.news import News, SharedNews
from brignb.store.sealing import Sealer, load_key
from brignb.store.sql import SqlStore
from brignb.wiring.home import Home
from brignb.wiring.words import Words

if TYPE_CHECKING:
    from brignb.store.leadership import Leadership

log = logging.getLogger("brignb")

_POSTGRESQL: Final = "postgresql"
_AGAIN: Final = 0.5
"""Seconds until a database that is not there yet is tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Storing:
    """An opened store, and an archive.

    Args:
        shared: What all servers on this store write into, for builds whose workers are elsewhere.
        artifacts: Writes a tar archive of what a job of a build left for others; False: nothing is kept.
        news: Of builds, of all processes.
        leadership: Who builds from this database; None: this process, for it has the home.
        tasks: What has to go on while the server lives; none of them ends by itself but by an error.
        settling: Moves builds that have ended; the leader's. None: there is one place.
    """

    store: SqlStore
    archive: Archive
    shared: Archive
    artifacts: Callable[[str, str, IO[bytes]], bool]
    news: News
    tasks: tuple[asyncio.Task[None], ...] = ()
    settling: Settling | None = None
    leadership: Leadership | None = None


@contextlib.asynccontextmanager
async def storing(url: str | None, home: Home, parts: frozenset[str], words: Words) -> AsyncIterator[Storing]:
    """Open them, and close them at the end.

    Args:
        url: As `--store` has it.
        home: Whose key seals the secrets.
        parts: What this process does.
        words: Get what is heard, and are heard.

    Raises:
        BadInput: The URL cannot be used, or not by parts apart.
        Unavailable: The database cannot be used; a part of a server waits for one that does not answer, as parts begin in any order.
    """
    sealer = Sealer(load_key(home.key), origin=str(home.key))
    changed = partial(words.here, "projects")
    opening = partial(SqlStore, url or f"sqlite:///{home.database}", sealer, changed=changed)
    store = await _opened(opening, wait=parts != frozenset(PARTS))
    near = FileArchive(home.builds)
    try:
        if url is None or store.kind != _POSTGRESQL:
            if not {"api", "controller"} <= parts:
                raise BadInput(
                    "SQLite has one process: API and controller cannot be apart",
                    where="--parts",
                    hint="give all parts the same --store postgresql://USER@HOST/DATABASE",
                )
            yield Storing(store=store, archive=near, shared=near, artifacts=near.artifacts, news=News())
        else:
            async with _elsewhere(url, store, near, parts, words) as stored:
                yield stored
    finally:
        await store.close()


async def _opened(make: Callable[[], SqlStore], *, wait: bool) -> SqlStore:
    told = ""
    while True:
        store = make()
        try:
            await store.open()
        except Away as error:
            if not wait:
                raise
            if told != str(error):
                log.error("%s", told := str(error))  # noqa: TRY400 - an error for people
            await asyncio.sleep(_AGAIN)
        else:
            return store


@contextlib.asynccontextmanager
async def _elsewhere(
    url: str, store: SqlStore, near: FileArchive, parts: frozenset[str], words: Words
) -> AsyncIterator[Storing]:
    """In a database that others can reach."""
    from brignb.archive.postgresql import PostgresArchive  # noqa: PLC0415 - an extra
    from brignb.store.leadership import Leadership  # noqa: PLC0415 - the same
    from brignb.store.line import Line  # noqa: PLC0415 - the same

    builds, controls = bool(parts & {"api", "controller"}), "controller" in parts
    news = SharedNews(words.tell)
    line = Line(url, heard=words.heard, own=store.own, news=builds)
    words.reach(line.tell)
    words.on("projects", lambda _about: store.look_again())
    words.on("build", lambda build: news.heard("build", build) if build else news.ring_all())
    words.on("ended", lambda build: news.heard("ended", build) if build else None)
    far = PostgresArchive(url, where=store.where)
    places = TwoPlaces(near, far)
    async with contextlib.AsyncExitStack() as stack:
        await line.open()
        stack.push_async_callback(line.close)
        if builds:
            stack.push_async_callback(asyncio.to_thread, far.close)
            await asyncio.to_thread(far.open)
        tasks = (asyncio.create_task(line.run()),)
        stack.push_async_callback(_canceled, tasks)
        yield Storing(
            store=store,
            archive=places,
            shared=far,
            artifacts=places.artifacts,
            news=news,
            tasks=tasks,
            settling=Settling(store, places) if controls else None,
            leadership=Leadership(url, store) if controls else None,
        )


async def _canceled(tasks: Iterable[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
