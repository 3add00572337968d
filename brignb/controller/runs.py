"""Jobs that the server starts for builds whose workers have no rights of their own: the server's half of the `server` executor.

    worker ──spec──▶ start: whose build? both locks ──▶ the build's executor ──▶ pod
           ◀─lines, status── the same

Enters: a worker's claim, proven by its token, and what it wants run. Who a job belongs to (build, attempt, project, namespace) is never
the worker's to say. A build's executor is made with its first job, and closed when its attempt is over: by whoever ends it (`over`), else
by its watcher here. After a restart the worker asks for its jobs again, and they are adopted.

What must never happen: a job of an attempt that is over; a job that its project's or the operator's lock forbids; another build's job in
a worker's hands.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Final

from brignb.controller.attempts import over, runs
from brignb.errors import BrignbError, Conflict, JobRefused, NotFound
from brignb.executors.seam import Adopting
from brignb.model.builds import Build
from brignb.model.jobs import SENT, Bookmark, Heard, JobSpec, JobStatus
from brignb.model.names import id_time_ms, is_job_id
from brignb.model.projects import Project
from brignb.model.tokens import BuildClaim
from brignb.store.news import News
from brignb.store.seam import Store

log = logging.getLogger(__name__)

LOOK: Final = 10.0
"""Seconds after which a build is looked at though nobody said that it has changed."""


@dataclass(slots=True)
class Hand:
    """What the server runs for one attempt of a build.

    Args:
        executor: Its own.
        jobs: Ids of what was started.
    """

    build: Build
    project: Project
    executor: Adopting
    jobs: set[str] = field(default_factory=set)


class Runs:
    """See the module.

    Args:
        store: Knows which attempts run.
        news: Says when a build has changed.
        make: An executor for a build's jobs.
        closed: Is called after it was closed, in a thread.
    """

    def __init__(
        self,
        store: Store,
        news: News,
        make: Callable[[Build, Project], Adopting],
        *,
        closed: Callable[[Build], None] = lambda _build: None,
    ) -> None:
        self._store = store
        self._news = news
        self._make = make
        self._closed = closed
        self._hands: dict[BuildClaim, Hand] = {}
        self._watchers: dict[BuildClaim, asyncio.Task[None]] = {}

    async def start(self, claim: BuildClaim, spec: JobSpec, told: Bookmark | None) -> JobStatus:
        """Start a job of the worker's build, or adopt it; answers how it is.

        Args:
            claim: The worker's.
            spec: What it wants; `source` says only whether there will be one.
            told: How far it has heard the job's log; None: it has not.

        Raises:
            JobRefused: It cannot be started as it is, or a lock forbids it.
            Conflict: The attempt is over.
        """
        hand = await self._hand(claim)
        build, project = hand.build, hand.project
        spec = replace(
            spec,
            build_id=build.id,
            attempt=build.attempt,
            project=project.name,
            namespace=project.namespace,
            source=None if spec.source is None else SENT,
        )
        if is_job_id(spec.id) and id_time_ms(spec.id.rpartition("-")[2].upper()) != build.created_at:
            raise JobRefused(name=spec.name, job_id=spec.id, reason=f"id: {spec.id} is no job of this build")
        await hand.executor.start(spec, told)
        hand.jobs.add(spec.id)
        return await hand.executor.status(spec.id)

    async def bring(self, claim: BuildClaim, job_id: str, sent: AsyncIterator[bytes]) -> None:
        """The source of a job that waits for it.

        Raises:
            NotFound: There is no such job here.
        """
        await self._of(claim, job_id).bring(job_id, sent)

    def follow(self, claim: BuildClaim, job_id: str, after: int) -> AsyncIterator[Heard]:
        """Its lines from number `after` on, as they come, with how it is; last how it ended.

        Raises:
            NotFound: There is no such job here; while it is followed: those lines are not kept any more.
        """
        return _heard(self._of(claim, job_id), job_id, after)

    async def status(self, claim: BuildClaim, job_id: str, *, seconds: float) -> JobStatus:
        """How a job is; once it has ended, or after so many seconds.

        Raises:
            NotFound: There is no such job here.
        """
        executor = self._of(claim, job_id)
        waiting = asyncio.ensure_future(executor.wait(job_id))
        await asyncio.wait({waiting}, timeout=seconds)
        if waiting.done():
            return waiting.result()
        waiting.cancel()
        return await executor.status(job_id)

    async def cancel(self, claim: BuildClaim, job_id: str) -> JobStatus:
        """Kill a job, whole; answers how it ended.

        Raises:
            NotFound: There is no such job here.
        """
        executor = self._of(claim, job_id)
        await executor.cancel(job_id)
        return await executor.wait(job_id)

    async def end(self, claim: BuildClaim) -> dict[str, JobStatus]:
        """The worker starts no more: what still runs is killed, all pods go; answers how each job is."""
        hand = self._hands.get(claim)
        if hand is None:
            return {}
        await hand.executor.close()
        return {job_id: await hand.executor.status(job_id) for job_id in hand.jobs}

    async def over(self, build_id: str) -> None:
        """Its attempt has ended, however: so do its jobs."""
        for claim in [claim for claim in self._hands if claim.build_id == build_id]:
            await self._close(claim)

    async def leave(self) -> None:
        """The server ends: let go of the jobs; those of workers that live are adopted by the next one."""
        for watcher in self._watchers.values():
            watcher.cancel()
        await asyncio.gather(*self._watchers.values(), return_exceptions=True)
        await asyncio.gather(*(hand.executor.leave() for hand in self._hands.values()))
        self._hands.clear()

    def _of(self, claim: BuildClaim, job_id: str) -> Adopting:
        hand = self._hands.get(claim)
        if hand is None or job_id not in hand.jobs:
            raise NotFound(f"no job {job_id[:100]!r} of this build was started here")
        return hand.executor

    async def _hand(self, claim: BuildClaim) -> Hand:
        """What is there for that attempt, as long as it is the one that runs.

        Raises:
            Conflict: It is over.
        """
        build = await self._store.build(claim.build_id)
        if build is None or not runs(build, claim):
            raise over(claim)
        if claim not in self._hands:
            project = await self._store.project(build.project)
            if project is None:
                raise Conflict("its project is gone", where=f"build {claim.build_id}")
            if claim not in self._hands:  # by another call, meanwhile
                self._hands[claim] = Hand(build, project, self._make(build, project))
                self._watchers[claim] = asyncio.create_task(self._watch(claim), name=f"jobs of {claim.build_id}")
        return self._hands[claim]

    async def _watch(self, claim: BuildClaim) -> None:
        """Until the attempt is over, whoever ended it, on whichever server."""
        while True:
            seen = self._news.seen(claim.build_id)
            try:
                build = await self._store.build(claim.build_id)
            except BrignbError as error:
                log.info("build %s cannot be looked at: %s", claim.build_id, error)
            else:
                if not runs(build, claim):
                    break
            try:
                async with asyncio.timeout(LOOK):
                    await self._news.wait(claim.build_id, seen)
            except TimeoutError:
                continue
        self._watchers.pop(claim)
        await self._close(claim)

    async def _close(self, claim: BuildClaim) -> None:
        if watcher := self._watchers.pop(claim, None):
            watcher.cancel()
        if hand := self._hands.pop(claim, None):
            try:
                await hand.executor.close()
            except BrignbError as error:
                log.warning("what is left of build %s is swept later: %s", claim.build_id, error)
            await asyncio.to_thread(self._closed, hand.build)


async def _heard(executor: Adopting, job_id: str, after: int) -> AsyncIterator[Heard]:
    async for lines in executor.logs(job_id, after):
        bookmark = executor.bookmark(job_id)  # nothing was awaited since
        yield Heard(lines, bookmark, await executor.status(job_id))
    yield Heard([], executor.bookmark(job_id), await executor.wait(job_id), ended=True)
