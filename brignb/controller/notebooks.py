"""Notebooks that listen: kernels that take a project's events instead of workers, one at a time.

    open ──▶ next ──▶ claimed ──▶ started ──▶ jobs, streams, emitted events ──▶ finish ──▶ next …
      │                  └───────────┴── the lease is over, or closed: queued again before `started`, after it as of any dead worker
      └── the lease is over, or closed: what waits goes to workers at once

A lease lasts `LEASE` seconds from the kernel's last word. Leases live in this process and end with it; what happened to a build is
in the store and the archive, as a worker's is, and `recover` finds it after a restart. Several leases on the same events share them:
the claim is one transaction. What must never happen: a build that a dead kernel keeps, a word of a kernel that lost its build.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from typing import Any, Final

from brignb.archive.seam import JOURNAL, WORKER, WORKER_NOTEBOOK, whole
from brignb.controller.hosting import GRACE
from brignb.controller.leases import Held, Lease, not_held, rings
from brignb.controller.listening import StoreListener
from brignb.controller.losing import lose
from brignb.controller.records import materialise
from brignb.controller.site import Site
from brignb.errors import NotFound, Unavailable
from brignb.model.builds import CANCELED, NOTEBOOK, Build, JobRecord, Outcome
from brignb.model.events import Event
from brignb.store.seam import Wanted

log = logging.getLogger(__name__)

LEASE: Final = 6.0
"""Seconds from a kernel's last word to its end, as it is seen here. It speaks every 2."""


class Notebooks:
    """See the module. What names a lease that is over raises `NotFound`, what names a build that it does not hold `Conflict`.

    Args:
        site: What builds are made with.
        ended: Is called when a notebook lets go of a build.
        seconds: Of a lease.
    """

    def __init__(self, site: Site, *, ended: Callable[[], None] = lambda: None, seconds: float = LEASE) -> None:
        self.seconds = seconds
        self._site = site
        self._tell_ended = ended
        self._leases: dict[str, Lease] = {}
        self._bell = asyncio.Event()
        self._ending: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """A build waits, or a lease is over."""
        bell, self._bell = self._bell, asyncio.Event()
        bell.set()

    def wanted(self) -> Sequence[Wanted]:
        """What is not for workers now."""
        return [lease.wanted for lease in self._leases.values()]

    def holds(self, build_id: str) -> bool:
        """Whether a notebook handles a build."""
        return any(lease.held is not None and lease.held.build.id == build_id for lease in self._leases.values())

    # leases

    def open(self, wanted: Wanted) -> str:
        """A new lease; answers its id."""
        lease_id = self._site.new_ids(self._site.now_ms())[0]
        self._leases[lease_id] = Lease(lease_id, wanted)
        return self._lease(lease_id).id

    async def renew(self, lease_id: str) -> Build | None:
        """The kernel lives; answers the build that it holds, as it is now. One that was canceled it has `GRACE` seconds to end."""
        lease = self._lease(lease_id)
        if (held := lease.held) is None:
            return None
        build = await self._site.store.build(held.build.id)
        if build is not None and build.cancel_requested and held.killer is None and lease.held is held:
            held.killer = asyncio.get_running_loop().call_later(GRACE, self._soon, self._kill, lease, held)
        return build

    async def close(self, lease_id: str) -> None:
        """It listens no more."""
        await self._end(self._lease(lease_id))

    async def next(
        self, lease_id: str, *, seconds: float, gone: Callable[[], Coroutine[Any, Any, None]]
    ) -> tuple[Build, Event] | None:
        """The build that it holds, else the next one; None when none came in time.

        Args:
            lease_id: Of which lease.
            seconds: How long to wait for one.
            gone: Returns when the caller has hung up; nothing is claimed for it then.
        """
        lease = self._lease(lease_id)
        ends = (asyncio.create_task(asyncio.sleep(seconds)), asyncio.create_task(gone()))
        try:
            async with lease.turn:  # a kernel that asks again, since it did not hear our answer, gets the same build
                while True:
                    bell = self._bell
                    if (taken := await self._taken(lease)) is not None:
                        return taken
                    if not await rings(bell, ends):
                        return None
        finally:
            for end in ends:
                end.cancel()

    async def _taken(self, lease: Lease) -> tuple[Build, Event] | None:
        """The one that it holds; one is claimed when there is none, and something waits."""
        site = self._site
        while True:
            if lease.over:
                self._lease(lease.id)  # says that it is
            if lease.held is None:
                claimed = await site.store.claim(at=site.now_ms(), limit=1, only=lease.wanted)
                if not claimed:
                    return None
                lease.held = Held(claimed[0])  # before anything else: whatever comes now, somebody answers for it
            held = lease.held
            if lease.over:
                await self._drop(lease)
                continue
            if held.build.cancel_requested:  # in an earlier attempt
                await self._finished(lease, held, CANCELED)
                continue
            return held.build, await self._known(held)

    async def _known(self, held: Held) -> Event:
        """Its event, once; and that a notebook has it is noted."""
        if held.event is None:
            build = held.build
            event = await self._site.store.event(build.event_id)
            assert event is not None  # noqa: S101 - a project whose build runs cannot be deleted
            await self._site.store.note_start(
                build.id, attempt=build.attempt, commit=event.revision.commit, tier=NOTEBOOK
            )
            noted = asyncio.get_running_loop().create_future()
            noted.set_result(None)
            held.words = StoreListener(self._site, build, event, noted=noted)
            held.event = event
            self._site.news.ring(build.id)
        return held.event

    # a build that is held

    async def started(self, lease_id: str, build_id: str, attempt: int, notebook: bytes) -> Mapping[str, int]:
        """Its first line is about to run: durable when this answers. Answers where the kernel's own streams go on."""
        archive = self._site.archive
        async with self._heard(lease_id, build_id, attempt) as words:
            await asyncio.to_thread(archive.put, build_id, WORKER_NOTEBOOK, notebook)
            await words.first_cell()
        return {stream: await asyncio.to_thread(whole, archive, build_id, stream) for stream in (WORKER, JOURNAL)}

    async def job(self, lease_id: str, job: JobRecord) -> None:
        """A job's state."""
        async with self._heard(lease_id, job.build_id, job.attempt) as words:
            await words.job(job)

    async def append(
        self, lease_id: str, build_id: str, attempt: int, stream: str, *, offset: int, data: bytes
    ) -> None:
        """A stream has grown; see `Archive.append`."""
        async with self._heard(lease_id, build_id, attempt) as words:
            await asyncio.to_thread(self._site.archive.append, build_id, stream, offset, data)
            words.news(stream)

    async def emit(
        self, lease_id: str, build_id: str, attempt: int, event_type: str, payload: str
    ) -> Mapping[str, Any]:
        """An event is raised; answers its ids when it is durable."""
        async with self._heard(lease_id, build_id, attempt) as words:
            return await words.emit(event_type, payload)

    async def finish(self, lease_id: str, build_id: str, attempt: int, outcome: Outcome) -> None:
        """It has ended. Told twice, it has ended once."""
        lease = self._lease(lease_id)
        if lease.last == (build_id, attempt):
            return
        self._words(lease_id, build_id, attempt)
        if lease.held is not None and not await self._finished(lease, lease.held, outcome):
            raise not_held(build_id)

    @contextlib.asynccontextmanager
    async def _heard(self, lease_id: str, build_id: str, attempt: int) -> AsyncIterator[StoreListener]:
        """Who hears a word, which is written down before the build can be anybody else's."""
        async with self._lease(lease_id).fate:
            yield self._words(lease_id, build_id, attempt)

    def _words(self, lease_id: str, build_id: str, attempt: int) -> StoreListener:
        """Who hears what the kernel says of a build, while it holds it; whatever it says, it lives."""
        lease = self._lease(lease_id)
        held = lease.held
        if held is None or held.words is None or (held.build.id, held.build.attempt) != (build_id, attempt):
            raise not_held(build_id)
        return held.words

    async def _finished(self, lease: Lease, held: Held, outcome: Outcome) -> bool:
        site, build = self._site, held.build
        await asyncio.to_thread(materialise, site.archive, build.id, outcome)
        done = await site.store.finish(build.id, attempt=build.attempt, outcome=outcome, at=site.now_ms())
        if done:
            lease.last = (build.id, build.attempt)
        self._let_go(lease, held)
        return done

    async def _kill(self, lease: Lease, held: Held) -> None:
        """It was canceled, and its kernel did not end it in time: what that says later is not heard."""
        if lease.held is held:
            await self._finished(lease, held, CANCELED)

    def _let_go(self, lease: Lease, held: Held) -> None:
        if held.killer is not None:
            held.killer.cancel()
        if lease.held is held:
            lease.held = None
        self._site.news.forget(held.build.id)
        self._tell_ended()

    # ends

    def _lease(self, lease_id: str) -> Lease:
        """A lease, renewed.

        Raises:
            NotFound: It is over, or there never was one; a restart of the server ends them all.
        """
        lease = self._leases.get(lease_id)
        if lease is None:
            hint = "its events are with other listeners and workers now; listen again"
            raise NotFound("nobody listens by that name any more", where=f"listener {lease_id[:60]}", hint=hint)
        if lease.timer is not None:
            lease.timer.cancel()
        lease.timer = asyncio.get_running_loop().call_later(self.seconds, self._soon, self._end, lease)
        return lease

    async def _end(self, lease: Lease) -> None:
        """Its build goes the way of any build whose worker died, what waits goes to workers."""
        lease.over = True
        self._leases.pop(lease.id, None)
        if lease.timer is not None:
            lease.timer.cancel()
        try:
            await self._drop(lease)
        finally:
            self._site.wake()  # the controller, other listeners, and its own caller

    async def _drop(self, lease: Lease) -> None:
        async with lease.fate:
            if (held := lease.held) is None:
                return
            build = await self._site.store.build(held.build.id)
            if build is not None and build.cancel_requested:
                await self._finished(lease, held, CANCELED)
            else:
                await lose(self._site, held.build.id, why="the notebook that handled it is gone")
                self._let_go(lease, held)

    def _soon(self, work: Callable[..., Coroutine[Any, Any, None]], *args: object) -> None:
        """Of a timer: what takes longer than a turn of the loop."""
        task = asyncio.create_task(self._told(work(*args)))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _told(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Unavailable as error:
            # Nothing could be written down: the build stays `running`, and the next start recovers it.
            log.error("a notebook that is gone: %s", error)  # noqa: TRY400 - an error for people, not a traceback
