"""Following a build's logs: what is there, then what comes, until the build ends.

    news of the build ──▶ one look at the store (shared by all its followers) ──▶ read what has come ──▶ tell it ──▶ wait for news

What must never happen: a line that is lost between reading and waiting (the count of news is taken before the look), or an end that is
told before the last line (a build's logs are whole before its state is terminal, and are read after the look that saw it).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from brignb.api.services import Services
from brignb.archive.follow import Follower, Told
from brignb.archive.seam import WORKER
from brignb.errors import NotFound
from brignb.model.builds import Build, JobRecord
from brignb.store.news import News
from brignb.store.seam import Store

HEARTBEAT: Final = 15.0
"""Seconds of silence after which a follower is told that its connection lives."""
_FEW: Final = 100
"""Lines; who read fewer the last time has caught up, and reads on the event loop. Who reads more does so in a thread."""


class Looks:
    """Looks at builds, shared: a hundred followers of a build that wake together cost the store one read."""

    def __init__(self, store: Store, news: News) -> None:
        self._store = store
        self._news = news
        self._under_way: dict[tuple[str, int], asyncio.Task[Build | None]] = {}

    async def look(self, build_id: str) -> tuple[Build | None, int]:
        """The build, no older than the news counted with it."""
        seen = self._news.seen(build_id)
        key = (build_id, seen)
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(self._store.build(build_id))
            task.add_done_callback(lambda _done: self._under_way.pop(key, None))
        return await asyncio.shield(task), seen

    async def news(self, build_id: str, seen: int, seconds: float) -> bool:
        """Wait for more news than `seen`; False when none came in time."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait(build_id, seen)
        except TimeoutError:
            return False
        return True


class Following:
    """One reader of a build's logs.

    Args:
        build: As it was found.
        job: A job's name or id, or `worker`; None: everything.
        cursor: Where to go on.

    Raises:
        NotFound: The build has ended without such a job.
        BadInput: The cursor is none.
    """

    def __init__(
        self,
        services: Services,
        looks: Looks,
        build: Build,
        *,
        job: str | None,
        cursor: str,
        heartbeat: float = HEARTBEAT,
    ) -> None:
        self.build = build
        self._looks = looks
        self._job = job
        self._heartbeat = heartbeat
        self._archive = services.archive
        self._follower = Follower(self._archive, build.id, cursor=cursor)
        self._behind = True

    def require_job(self) -> None:
        """What cannot be there any more is not waited for.

        Raises:
            NotFound: There is no such job.
        """
        if self._job in {None, WORKER} or any(map(self._wanted, self.build.jobs)):
            return
        names = ", ".join(dict.fromkeys(job.name for job in self.build.jobs))
        hint = f"it has {names}" if names else "it has none"
        raise NotFound(f"the build has no job {str(self._job)[:120]!r}", where="job", hint=hint)

    async def lines(self, *, follow: bool) -> AsyncIterator[list[Told]]:
        """Batches of lines; an empty one is a sign of life. Ends when all is told and, with `follow`, the build has ended."""
        while True:
            build, seen = await self._looks.look(self.build.id)
            if build is None:
                return  # forgotten meanwhile
            self.build = build
            self._add_streams(build)
            while batch := await self._read():
                yield batch
            if build.state.terminal or not follow:
                return
            if not await self._looks.news(build.id, seen, self._heartbeat):
                yield []

    def _add_streams(self, build: Build) -> None:
        if self._job in {None, WORKER}:
            self._follower.add(WORKER, WORKER)
        for job in build.jobs:
            if self._wanted(job):
                self._follower.add(job.id, job.name)

    def _wanted(self, job: JobRecord) -> bool:
        return self._job is None or (self._job != WORKER and self._job in {job.name, job.id})

    async def _read(self) -> list[Told]:
        elsewhere = self._behind or not self._archive.quick(self.build.id)
        batch = await asyncio.to_thread(self._follower.read) if elsewhere else self._follower.read()
        self._behind = len(batch) > _FEW
        return batch
