"""The desk: builds that workers in pods take, and everything that they say of them.

    next, take ──▶ claimed, held ──▶ prepare ──▶ Offer ──▶ renew, started, jobs, streams, … ──▶ finished
                                                             └── silence ──▶ `overdue`

Nothing of a build is kept here: each word is proven by a token of its attempt, fenced by the store, and written down before it is
answered. So any server on the same database hears the next one. What must never happen: a word of an attempt that is over; a build in
the hands of a worker that was refused it; a repository's credentials in an answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Final
from weakref import WeakValueDictionary

from brignb.archive import names
from brignb.archive.seam import JOURNAL, WORKER, whole
from brignb.controller.attempts import is_of, over, runs
from brignb.controller.leases import rings
from brignb.controller.listening import StoreListener
from brignb.controller.losing import lose
from brignb.controller.offering import Offer, offered
from brignb.controller.pods.naming import holder
from brignb.controller.preparing import Prepared, failed, noted, prepare
from brignb.controller.saying import say
from brignb.controller.site import Site
from brignb.errors import Conflict, NotFound, Unavailable
from brignb.model.builds import CANCELED, Build, JobRecord, Outcome, State
from brignb.model.events import DedupeKey
from brignb.model.redaction import Redactor
from brignb.model.tokens import BuildClaim, PoolClaim, Tokens
from brignb.store.seam import Lease, Wanted

log = logging.getLogger(__name__)

LEASE: Final = 15.0
"""Seconds from a worker's last renewal to its end, as it is seen here; it renews every 5."""
EVERY: Final = 5.0
"""Seconds between two words that workers can be heard (`Store.attend`), and between renewals of what is being prepared."""
_MOST: Final = 1000


class Desk:
    """See the module. What names an attempt that is over raises `Conflict`.

    Args:
        site: What builds are made with; its archive is one that all servers share.
        tokens: For those who are offered a build.
        wanted: What notebooks take.
        ended: Is called when a build has ended.
    """

    seconds = LEASE

    def __init__(
        self, site: Site, tokens: Tokens, *, wanted: Callable[[], Sequence[Wanted]], ended: Callable[[], None]
    ) -> None:
        self._site = site
        self._tokens = tokens
        self._wanted = wanted
        self._tell_ended = ended
        self._bell = asyncio.Event()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def wake(self) -> None:
        """A build waits."""
        bell, self._bell = self._bell, asyncio.Event()
        bell.set()

    async def run(self) -> None:
        """Say that workers can be heard, until it is canceled."""
        while True:
            now = self._site.now_ms()
            await self._site.store.attend(at=now, until=_later(now))
            await asyncio.sleep(EVERY)

    # a build is taken

    async def next(
        self, claim: PoolClaim, worker: str, *, seconds: float, gone: Callable[[], Coroutine[Any, Any, None]]
    ) -> Offer | None:
        """The project's oldest build that waits; the one that this worker holds already, if it has not started it; None: none came.

        Args:
            claim: Whose builds.
            worker: Who asks, unless its token says so: the pod's name.
            seconds: How long to wait for one.
            gone: Returns when the caller has hung up; nothing is claimed for it then.

        Raises:
            NotFound: The project is gone.
            Conflict: The worker of that token runs a build: whoever asks in its name is not its own program.
        """
        worker = claim.worker or worker
        if await self._site.store.project(claim.project) is None:
            raise NotFound("there is no such project any more", where=claim.project)
        ends = (asyncio.create_task(asyncio.sleep(seconds)), asyncio.create_task(gone()))
        turn = self._turns.setdefault(f"{claim.project} {worker}", asyncio.Lock())
        try:
            async with turn:  # a worker that asks again, since it did not hear our answer, gets the same build
                held = await self._unstarted(claim, worker)
                while True:
                    bell = self._bell
                    while build := held or await self._claimed(claim.project, worker):
                        held = None
                        if offer := await self._offer(build, cold=False):
                            return offer
                    if not await rings(bell, ends):
                        return None
        finally:
            for end in ends:
                end.cancel()

    async def take(self, claim: BuildClaim, worker: str) -> Offer:
        """The build that was claimed for this worker.

        Raises:
            Conflict: It is not any more, or has begun already; or it cannot be run, and has ended.
        """
        build = await self._hold(claim)
        if build.first_cell_at is not None:
            log.warning("build %s: %s asks for it, and it has begun already", build.id, worker)
            raise over(claim)
        offer = await self._offer(build, cold=True)
        if offer is None:
            raise over(claim)
        return offer

    async def _unstarted(self, claim: PoolClaim, worker: str) -> Build | None:
        page = await self._site.store.builds(project=claim.project, state=State.RUNNING, limit=_MOST)
        theirs = [build for build in page.items if build.holder == holder(worker)]
        begun = [build for build in theirs if build.first_cell_at is not None]
        if begun and claim.worker:
            raise Conflict("it runs a build already", where=holder(worker), hint=f"{begun[0].id}, until it has ended")
        return next((build for build in theirs if build not in begun), None)

    async def _claimed(self, project: str, worker: str) -> Build | None:
        site = self._site
        now = site.now_ms()
        lease = Lease(holder(worker), until=_later(now))
        claimed = await site.store.claim(at=now, limit=1, only=Wanted(project), but=self._wanted(), lease=lease)
        return claimed[0] if claimed else None

    async def _offer(self, build: Build, *, cold: bool) -> Offer | None:
        """The build, prepared; None: it cannot be run, and has ended."""
        site = self._site
        project = await site.store.project(build.project)
        if project is None:
            gone = Outcome(state=State.FAILED, reason="project_deleted", message="its project is gone")
            await self._ended(build, gone)
            return None
        if build.cancel_requested:  # in an earlier attempt
            await self._ended(build, CANCELED)
            return None
        said: list[str] = []
        async with self._kept(build):
            try:
                prepared = await prepare(site, build, project, said.append)
                event = await prepared.event
            except Unavailable:
                raise  # whoever asked asks again, and gets the same build
            except Exception as error:  # noqa: BLE001 - whatever it is, the build must end and say so
                outcome = failed(build, error, Redactor(project.secret_values()), said.append)
                await asyncio.to_thread(self._say, build, said)
                await self._ended(build, outcome)
                return None
            await self._noted(build, prepared, said)
        site.news.ring(build.id)
        token = self._tokens.build(build.id, build.attempt)
        return offered(site, build, project, prepared, event, token=token, seconds=self.seconds, cold=cold)

    async def _noted(self, build: Build, prepared: Prepared, said: Iterable[str]) -> None:
        noting = noted(self._site, build, prepared, prepared.tier)
        (theirs, _filed), _said = await asyncio.gather(noting, asyncio.to_thread(self._say, build, said))
        if not theirs:
            raise over(BuildClaim(build.id, build.attempt))

    def _say(self, build: Build, said: Iterable[str]) -> None:
        if text := "\n".join(said):
            say(self._site, build.id, text)

    @contextlib.asynccontextmanager
    async def _kept(self, build: Build) -> AsyncIterator[None]:
        """Its lease goes on meanwhile: a source may take minutes to be fetched."""

        async def keep() -> None:
            while True:
                await asyncio.sleep(EVERY)
                until = _later(self._site.now_ms())
                await self._site.store.hold(build.id, attempt=build.attempt, until=until)

        keeping = asyncio.create_task(keep())
        try:
            yield
        finally:
            keeping.cancel()

    # a build that is held

    async def theirs(self, claim: BuildClaim) -> Build:
        """The build, while that attempt of it is in a worker's hands."""
        build = await self._site.store.build(claim.build_id)
        if build is None or not runs(build, claim) or build.holder is None:
            raise over(claim)
        return build

    async def renew(self, claim: BuildClaim) -> bool:
        """The worker lives; whether somebody wants the build to end."""
        return (await self._hold(claim)).cancel_requested

    async def streams(self, claim: BuildClaim) -> Mapping[str, int]:
        """Where the build's own streams go on."""
        await self.theirs(claim)
        archive = self._site.archive
        return {name: await asyncio.to_thread(whole, archive, claim.build_id, name) for name in (WORKER, JOURNAL)}

    async def started(self, claim: BuildClaim) -> None:
        """Its first cell is about to run: durable when this answers."""
        at = self._site.now_ms()
        if not await self._site.store.note_first_cell(claim.build_id, attempt=claim.attempt, at=at):
            raise over(claim)
        self._site.news.ring(claim.build_id)

    async def job(self, claim: BuildClaim, job: JobRecord) -> None:
        """A job's state."""
        if not await self._site.store.put_job(job):
            raise over(claim)
        self._site.news.ring(claim.build_id)

    async def append(self, claim: BuildClaim, stream: str, *, offset: int, data: bytes) -> None:
        """A stream has grown; see `Archive.append`."""
        await self.theirs(claim)
        await asyncio.to_thread(self._site.archive.append, claim.build_id, stream, offset, data)
        self._site.news.ring(claim.build_id)

    async def document(self, claim: BuildClaim, name: str, data: bytes) -> None:
        """A whole document."""
        await self.theirs(claim)
        await asyncio.to_thread(self._site.archive.put, claim.build_id, name, data)

    async def spill(self, claim: BuildClaim, name: str, *, offset: int, data: bytes) -> None:
        """A side file has grown."""
        await self.theirs(claim)
        await asyncio.to_thread(self._spill, claim.build_id, name, offset, data)

    def _spill(self, build_id: str, name: str, offset: int, data: bytes) -> None:
        archive = self._site.archive
        size = archive.side_size(build_id, name)
        names.no_gap(offset, size, name)
        if new := data[size - offset :]:
            archive.spill(build_id, name, new)

    async def artifacts(self, claim: BuildClaim, job_id: str, pieces: Iterable[bytes]) -> None:
        """What a job left for others: a tar archive, whole."""
        await self.theirs(claim)
        await asyncio.to_thread(self._site.archive.keep, claim.build_id, names.artifacts(job_id), pieces)

    async def emit(
        self, claim: BuildClaim, event_type: str, payload: str, *, keys: tuple[DedupeKey, ...]
    ) -> Mapping[str, Any]:
        """An event is raised; answers its ids when it is durable."""
        build = await self.theirs(claim)
        event = await self._site.store.event(build.event_id)
        if event is None:
            raise over(claim)
        noted = asyncio.get_running_loop().create_future()
        noted.set_result(None)
        return await StoreListener(self._site, build, event, noted=noted).emit(event_type, payload, keys=keys)

    async def finished(self, claim: BuildClaim, outcome: Outcome) -> None:
        """It has ended; `lost`: its process died without a word. Told twice, it has ended once."""
        build = await self._site.store.build(claim.build_id)
        if build is not None and is_of(build, claim) and build.state.terminal:
            return
        build = await self.theirs(claim)
        if outcome.state is State.LOST:
            why, reason = outcome.message or "its worker died", outcome.reason or "worker_died"
            await self._end_jobs(build)  # before there can be a next attempt, which has jobs of its own
            await lose(self._site, build.id, why=why, reason=reason, attempt=build.attempt)
            self._let_go(build)
        else:
            await self._ended(build, outcome)

    async def _hold(self, claim: BuildClaim) -> Build:
        until = _later(self._site.now_ms())
        build = await self._site.store.hold(claim.build_id, attempt=claim.attempt, until=until)
        if build is None:
            raise over(claim)
        return build

    async def _ended(self, build: Build, outcome: Outcome) -> None:
        at = self._site.now_ms()
        if not await self._site.store.finish(build.id, attempt=build.attempt, outcome=outcome, at=at):
            raise over(BuildClaim(build.id, build.attempt))
        await self._end_jobs(build)
        self._let_go(build)

    def _let_go(self, build: Build) -> None:
        self._site.news.forget(build.id)
        self._tell_ended()

    async def _end_jobs(self, build: Build) -> None:
        if self._site.runs is not None:
            await self._site.runs.over(build.id)


def _later(now: int) -> int:
    return now + int(LEASE * 1000)
