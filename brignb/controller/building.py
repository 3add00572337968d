"""One attempt of one build, from claim to its last state.

    claimed ──▶ source ──▶ export ──▶ checkout ──▶ worker ──▶ finish / requeue

Every way out writes the state by the attempt's fence, leaves a truthful record where a notebook had begun, and takes the work folder
away. What went wrong before there was a worker is a line in the worker's log too, so that `build logs` tells it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from brignb.controller.hosting import Died, Order, host
from brignb.controller.listening import StoreListener
from brignb.controller.losing import lose
from brignb.controller.placing import Place
from brignb.controller.preparing import Prepared, assigned, failed, noted, prepare, server_of
from brignb.controller.records import debug_command, materialise
from brignb.controller.saying import say
from brignb.controller.site import Site
from brignb.errors import Unavailable
from brignb.export import FORK, KERNEL
from brignb.kernels import AHEAD
from brignb.model.builds import Build, Outcome, State
from brignb.model.events import Event
from brignb.model.projects import Project
from brignb.model.redaction import Redactor

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Settled:
    """What an attempt needs before its worker is told.

    Args:
        tier: What will execute it.
        noting: Done when commit and tier are in the store and the worker notebook is in the archive.
    """

    prepared: Prepared
    event: Event
    tier: str
    noting: asyncio.Future[Any]


class Attempt:
    """See the module.

    Args:
        site: What builds are made with.
        build: As it was claimed.
        order: Ends it.
    """

    def __init__(self, site: Site, build: Build, order: Order) -> None:
        self._site = site
        self._build = build
        self._order = order
        self._place: Place | None = None
        self._redactor = Redactor()

    async def run(self) -> None:
        """Make the attempt, write down how it ended."""
        try:
            await self._end(await self._attempt())
        except Unavailable as error:
            log.error("build %s: %s", self._build.id, error)  # noqa: TRY400 - an error for people, not a traceback
            await self._give_up(error)
        finally:
            if self._site.runs is not None:  # before the work folder goes, which has their artifacts
                await self._site.runs.over(self._build.id)
            if self._place is not None:
                self._place.release()
                await asyncio.to_thread(self._place.clean)
            self._site.news.forget(self._build.id)

    async def _attempt(self) -> Outcome | None:
        """How it ended; None when the worker died by itself and the build's fate is decided already."""
        site, build = self._site, self._build
        if build.cancel_requested:  # by somebody who was heard in an earlier attempt, or before this one was known here
            self._order.cancel("canceled")
        project = await site.store.project(build.project)
        if project is None:
            return Outcome(state=State.FAILED, reason="project_deleted", message="its project is gone")
        self._redactor = Redactor(project.secret_values())
        place = self._place = Place(site, project, build.id)
        try:
            settled = await self._unless_ordered(self._settled(project, place))
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the build must end and say so
            return failed(build, error, self._redactor, self._say)
        if settled is None:
            return self._order.outcome()
        ended = self._order.outcome() or await self._host(project, place, settled)
        if isinstance(ended, Died):
            outcome = self._order.outcome()
            if outcome is None:
                why = self._redactor(str(ended))
                self._say(why)
                await lose(site, build.id, why=why)
                return None
            await asyncio.to_thread(materialise, site.archive, build.id, outcome, debug=debug_command(build.id))
            return outcome
        return ended

    async def _unless_ordered(self, preparing: Coroutine[Any, Any, _Settled]) -> _Settled | None:
        """What is prepared; given up when somebody ends the build meanwhile."""
        task = asyncio.create_task(preparing)
        ordered = asyncio.create_task(self._order.wait())
        await asyncio.wait({task, ordered}, return_when=asyncio.FIRST_COMPLETED)
        ordered.cancel()
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
            return None
        return task.result()

    async def _settled(self, project: Project, place: Place) -> _Settled:
        """Prepared, with a place to work in; writing it down has begun."""
        prepared = await prepare(self._site, self._build, project, self._say)
        await place.settle(prepared.commit, ahead=AHEAD if prepared.tier == KERNEL else ())
        for sentence in place.refused:
            self._say(sentence)
        tier = place.tier if prepared.tier == FORK else prepared.tier
        return _Settled(prepared, await prepared.event, tier, noted(self._site, self._build, prepared, tier))

    async def _host(self, project: Project, place: Place, settled: _Settled) -> Outcome | Died:
        build = self._build
        server = server_of(self._site, build, project)
        assignment = assigned(
            build,
            project,
            settled.prepared,
            settled.event,
            source=str(place.source),
            builds=str(self._site.builds),
            work=str(place.work),
            cache=str(place.cache),
            executor="server" if server else "process",
            tier=settled.tier,
            room=place.room,
        )
        try:
            process = await place.start()
        except Unavailable as error:
            return Died(0, str(error))
        ended = await host(
            process,
            assignment,
            project.secrets,
            listener=StoreListener(self._site, build, settled.event, noted=settled.noting),
            order=self._order,
            seconds=project.timeout,
            server=server,
        )
        await settled.noting  # a worker that had no cell to begin did not ask
        return ended

    async def _give_up(self, error: Unavailable) -> None:
        """What had to be written down could not be; perhaps this can."""
        try:
            await self._end(Outcome(state=State.FAILED, reason=error.code, message=self._redactor(str(error))))
        except Unavailable:
            log.error("build %s stays `running`; the next start recovers it", self._build.id)  # noqa: TRY400 - the same

    async def _end(self, outcome: Outcome | None) -> None:
        if outcome is not None:
            at = self._site.now_ms()
            await self._site.store.finish(self._build.id, attempt=self._build.attempt, outcome=outcome, at=at)

    def _say(self, text: str) -> None:
        """A line of brignb's own in the worker's log."""
        say(self._site, self._build.id, text)
        self._site.news.ring(self._build.id)
