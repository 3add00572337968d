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
from typing import Any, Final

from brignb.archive.seam import WORKER_NOTEBOOK
from brignb.controller.hosting import Died, Order, host
from brignb.controller.listening import StoreListener
from brignb.controller.losing import lose
from brignb.controller.placing import Place
from brignb.controller.records import debug_command, materialise
from brignb.controller.saying import say
from brignb.controller.site import Site
from brignb.errors import NotebookError, SourceError, Unavailable
from brignb.export import FORK, KERNEL, choose
from brignb.kernels import AHEAD
from brignb.model.assignment import Assignment, Server
from brignb.model.builds import Build, Outcome, State
from brignb.model.events import Event
from brignb.model.projects import Project
from brignb.model.redaction import Redactor

log = logging.getLogger(__name__)

GIVEN: Final = "given to a rerun"
"""What stands for the notebook's path, in the record too, where it is not the repository's."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What an attempt needs before its worker is told.

    Args:
        event: What the build is for.
        commit: None without a repository.
        notebook: The worker notebook's text.
        tier: What executes it.
        why: Why that; empty: it needs no word.
        noting: Done when commit and tier are in the store and the worker notebook is in the archive.
    """

    event: Event
    commit: str | None
    notebook: str
    tier: str
    why: str
    noting: asyncio.Future[tuple[bool, None]]


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
            prepared = await self._unless_ordered(self._prepare(project, place))
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the build must end and say so
            return self._failed(error)
        if prepared is None:
            return self._order.outcome()
        ended = self._order.outcome() or await self._host(project, place, prepared)
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

    async def _unless_ordered(self, preparing: Coroutine[Any, Any, Prepared]) -> Prepared | None:
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

    def _failed(self, error: Exception) -> Outcome:
        """There will be no worker: the reason for programs, the message for people, in the log too."""
        match error:
            case SourceError():
                reason, text = error.reason, str(error)
            case NotebookError():
                reason, text = "notebook_invalid", str(error)
            case _:
                log.error("build %s", self._build.id, exc_info=error)
                reason, text = "internal_error", f"{type(error).__name__}: {error}"
        message = self._redactor(text)
        self._say(message)
        return Outcome(state=State.FAILED, reason=reason, message=message)

    async def _prepare(self, project: Project, place: Place) -> Prepared:
        """Source, worker notebook, what a worker takes; writing it down has begun."""
        site, build = self._site, self._build
        reading = asyncio.create_task(site.store.event(build.event_id))
        server_of(site, build, project)
        commit = None
        if project.clone_url:
            took: list[float] = []
            commit = await site.source.resolve(
                project, build.revision, any_commit=build.any_commit, fetched=took.append
            )
            self._say(f"source: {project.name} at {commit}" + "".join(f" (fetched in {s:.2f} s)" for s in took))
        raw, name = await self._notebook(project, commit)
        ready = await site.exports.ready(raw, name=name, commit=commit, secrets=project.secrets.values())
        # Its journal is no more durable: after a power cut there is nothing that it would be needed for.
        filing = asyncio.to_thread(site.archive.put, build.id, WORKER_NOTEBOOK, ready.content, durable=False)
        tier, why = choose(ready.exported.worker_notebook, project.tier)
        await place.settle(commit, ahead=AHEAD if tier == KERNEL else ())
        for sentence in place.refused:
            self._say(sentence)
        event = await reading
        if event is None:
            raise SourceError("project_deleted", "its project is gone")
        if tier == FORK:
            tier = place.tier
        noting = site.store.note_start(build.id, attempt=build.attempt, commit=commit, tier=tier)
        return Prepared(event, commit, ready.content.decode(), tier, why, asyncio.gather(noting, filing))

    async def _notebook(self, project: Project, commit: str | None) -> tuple[bytes, str]:
        if self._build.given_notebook is not None:
            given = await self._site.store.notebook(self._build.id)
            if given is not None:
                return given, GIVEN
        found = await self._site.source.notebook(project, commit, project.notebook) if commit else None
        if found is not None:
            return found, project.notebook
        if project.default_notebook is not None:
            return project.default_notebook.encode(), "defaultNotebook"
        raise SourceError(
            "notebook_missing",
            f"there is no notebook {project.notebook!r} at commit {commit}",
            where=project.clone_url or "",
            hint="commit one there, or name it by `notebook:`, or give the project a `defaultNotebook:`",
        )

    async def _host(self, project: Project, place: Place, prepared: Prepared) -> Outcome | Died:
        build, event = self._build, prepared.event
        server = server_of(self._site, build, project)
        revision = {"commit": prepared.commit or event.revision.commit, "ref": event.revision.ref}
        assignment = Assignment(
            build_id=build.id,
            attempt=build.attempt,
            created_ms=build.created_at,
            project=project.stored(),
            event=Event.from_json({**event.to_json(), "revision": revision}),
            source=str(place.source),
            builds=str(self._site.builds),
            work=str(place.work),
            cache=str(place.cache),
            executor="server" if server else "process",
            notebook=prepared.notebook,
            tier=prepared.tier,
            why=prepared.why,
            debug=debug_command(build.id),
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
            listener=StoreListener(self._site, build, event, noted=prepared.noting),
            order=self._order,
            seconds=project.timeout,
            server=server,
        )
        await prepared.noting  # a worker that had no cell to begin did not ask
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


def server_of(site: Site, build: Build, project: Project) -> Server | None:
    """Where the jobs of a build are started; None: in its worker's own sandbox.

    Raises:
        SourceError: This server has not the executor that the project wants.
    """
    executor = project.executor or site.executor
    if executor == "process":
        return None
    if executor != "kubernetes":
        raise SourceError("executor", f"the {executor} executor is not there yet", where="project file: executor")
    if site.runs is None or site.serving is None:
        raise SourceError(
            "executor",
            "this server runs no jobs in a cluster",
            where="project file: executor",
            hint="start it with `serve --executor kubernetes`",
        )
    return site.serving(build)
