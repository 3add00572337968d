"""Workers as pods: the leader gives each build one, keeps warm ones where a project wants them, and knows what became of each.

    (woken) ──claim──▶ Starting ──▶ started, and its worker answers for itself
    pods ──watch──▶ Seen ──ended, gone──▶ conclude: queued again, or ended for what the pod says
    (at the start, and every `LOOK` seconds) ──▶ looking: what a leader that was killed, or a database that was away, has left

Nothing is kept here that the database and the cluster do not know: who becomes the leader finds builds and pods, and goes on. What must
never happen: two pods of one attempt, a pod that long outlives its attempt, a build that no pod holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, Final

from brignb.cluster.connection import Connection
from brignb.controller.pods.ending import conclude, finish
from brignb.controller.pods.looking import Looking, held
from brignb.controller.pods.making import bequeath, forget
from brignb.controller.pods.naming import OWN, cold_name
from brignb.controller.pods.rights import RIGHTS
from brignb.controller.pods.seen import Seen
from brignb.controller.pods.settings import Ground, Settings, authority
from brignb.controller.pods.sight import Sight
from brignb.controller.pods.starting import LEASE, Over, Starting
from brignb.controller.pods.warming import PATIENCE_MS, Warming
from brignb.controller.site import Site
from brignb.errors import BrignbError, Unreachable
from brignb.executors.kubernetes.rights import check
from brignb.model.builds import Build
from brignb.model.tokens import Tokens
from brignb.store.seam import Lease, Wanted

log = logging.getLogger(__name__)

LOOK: Final = 10.0
"""Seconds between two looks at what runs, and what is there."""
_AGAIN: Final = 1.0
"""Seconds until a store that could not be used is asked again."""


class WorkerPods:
    """See the module.

    Args:
        site: What builds are made with.
        tokens: Makes those of workers.
        connection: To the cluster.
        settings: The operator's.
        wanted: What notebooks listen for, which is not for workers.
        ended: Is called when a pod has let go of a build.

    Raises:
        BadInput: The API's certificate cannot be read.
    """

    def __init__(
        self,
        site: Site,
        tokens: Tokens,
        connection: Connection,
        settings: Settings,
        *,
        wanted: Callable[[], Sequence[Wanted]] = tuple,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        self._site = site
        self._ground = Ground(
            site=site,
            tokens=tokens,
            connection=connection,
            settings=settings,
            namespace=settings.namespace or connection.place.namespace,
            authority=authority(settings),
            room=lambda: any(pod.started and not pod.ended for pod in self._sight),
        )
        self._wanted = wanted
        self._tell_ended = ended
        self._sight = Sight(self._ground, self._heard)
        self._warming = Warming(self._ground, self._sight, soon=self._soon, wake=self._again)
        self._starting: dict[str, Starting] = {}
        self._looking = Looking(self._ground, self._sight, starting=self._starting, adopt=self._begin)
        self._ending: set[str] = set()
        self._woken = asyncio.Event()
        self._news_at = 0
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """A build waits."""
        self._news_at = self._site.now_ms()
        self._again()

    def projects_changed(self) -> None:
        """Projects came, went or were edited."""
        self._warming.stale()
        self._again()

    async def run(self) -> None:
        """Until it is canceled; the pods live on, and another leader finds them.

        Raises:
            Refused: The cluster does not take our credentials, or forbids what is needed.
        """
        with contextlib.suppress(Unreachable):  # the watch says so, and goes on
            await check(self._ground.connection, self._ground.namespace, RIGHTS)
        watching = asyncio.create_task(self._sight.run(), name="watch")
        ready = asyncio.create_task(self._sight.ready())
        try:
            await asyncio.wait({ready, watching}, return_when=asyncio.FIRST_COMPLETED)
            async with asyncio.TaskGroup() as group:
                group.create_task(_until(watching))
                await self._insist(self._looking.sweep)  # before there are Secrets of ours whose pods are to come
                group.create_task(self._insist(self._look), name="look")
                group.create_task(self._insist(self._claim_on), name="claim")
        finally:
            self._warming.close()
            for task in (watching, ready, *self._tasks):
                task.cancel()
            await asyncio.gather(watching, ready, *self._tasks, return_exceptions=True)

    async def _insist(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """The database, or the cluster, may go away; what is left undone then is found by the next look."""
        while True:
            try:
                return await work()
            except BrignbError as error:
                log.error("worker pods: %s; it is tried again", error)  # noqa: TRY400 - for people
                await asyncio.sleep(_AGAIN)

    async def _look(self) -> None:
        while True:
            async with self._turn:  # what is being claimed meanwhile would look like a build that no pod holds
                await self._looking.look()
            await asyncio.sleep(LOOK)

    # builds that wait

    def _again(self) -> None:
        self._woken.set()

    async def _claim_on(self) -> None:
        self.wake()
        while True:
            await self._woken.wait()
            self._woken.clear()
            async with self._turn:
                for which in self._portions():
                    for build in await self._claim(**which):
                        self._begin(build, None)
            await self._warming.tend()

    def _portions(self) -> Iterator[dict[str, Any]]:
        """Which builds get pods of their own; of projects with warm workers only what those have left for a while."""
        warm = [Wanted(name) for name in self._warming.waiting()]
        yield {"but": [*self._wanted(), *warm]}
        for each in warm:
            yield {"but": self._wanted(), "only": each, "before": self._site.now_ms() - PATIENCE_MS}
        left = self._news_at + PATIENCE_MS - self._site.now_ms()
        if warm and left >= 0:
            asyncio.get_running_loop().call_later(left / 1000 + 0.001, self._again)

    async def _claim(self, **which: Any) -> Sequence[Build]:
        crowded = any(each.stuck for each in self._starting.values())
        cold = {pod.name for pod in self._sight if pod.attempt and not pod.ended} | self._starting.keys()
        settings = self._ground.settings
        free = min(settings.most - len(cold), settings.starts - len(self._starting))
        if crowded or free <= 0:
            return ()
        at = self._site.now_ms()
        return await self._site.store.claim(at=at, limit=free, lease=Lease(OWN, at + int(LEASE * 1000)), **which)

    def _begin(self, build: Build, found: Seen | None) -> None:
        """Answer for a build until its pod runs; `found`: the pod that a leader before this one has made."""
        self._warming.stir(build.project)
        name = cold_name(build.id, build.attempt)
        starting = self._starting[name] = Starting(self._ground, build)
        if found:
            starting.hear(found)
        self._soon(self._start(name, build, starting, made=found is not None), f"start {name}")
        self._site.news.ring(build.id)

    async def _start(self, name: str, build: Build, starting: Starting, *, made: bool) -> None:
        try:
            if not made:
                pod = await starting.make()
                self._sight.made(pod)
                self._soon(bequeath(self._ground, pod), f"bequeath {name}")
            await starting.started()
        except Over as over:
            if over.outcome is not None:
                await finish(self._site, build.id, build.attempt, over.outcome)
            if name not in self._sight or self._sight[name].ended is None:  # else `_end` sees to it, and may keep it
                await forget(self._ground, name, grace=0)
            self._tell_ended()
        finally:
            del self._starting[name]
            self._again()  # there may be room now

    # pods

    def _heard(self, pod: Seen) -> None:
        if starting := self._starting.get(pod.name):
            starting.hear(pod)
        if pod.attempt is None:
            self._warming.heard(pod)
            self._again()
        if pod.ended and pod.name not in self._ending:
            self._ending.add(pod.name)
            self._soon(self._end(pod), f"end {pod.name}")
        if not pod.there:
            self._ending.discard(pod.name)

    async def _end(self, pod: Seen) -> None:
        """Whatever it held is concluded; then nobody needs it any more."""
        for build_id, attempt in [pod.attempt] if pod.attempt else await held(self._site, pod.name):
            await conclude(self._site, build_id, attempt, pod)
        if pod.there and not (self._ground.settings.keep and pod.attempt):
            await forget(self._ground, pod.name)
        self._tell_ended()
        self._again()

    def _soon(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        if isinstance(error, BrignbError):
            log.error("%s: %s; the next look finds it", task.get_name(), error)
        else:
            log.error("%s: %r; the next look finds it", task.get_name(), error, exc_info=error)


async def _until(watching: asyncio.Task[None]) -> None:
    """A watch ends by itself only by a fault of ours: who cannot see must not lead."""
    await watching
