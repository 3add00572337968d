"""One attempt of one build, from claim to its last state.

    claimed ──▶ source ──▶ export ──▶ checkout ──▶ worker ──▶ finish / requeue

Every way out writes the state by the attempt's fence, leaves a truthful record where a notebook had begun, and takes the work folder
away. What went wrong before there was a worker is a line in the worker's log too, so that `build logs` tells it.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from brignb.archive.seam import WORKER, WORKER_NOTEBOOK
from brignb.controller.hosting import Died, Order, host
from brignb.controller.listening import StoreListener
from brignb.controller.losing import lose
from brignb.controller.records import materialise
from brignb.controller.site import Site
from brignb.controller.spawning import Sandbox, Spawned, spawn
from brignb.errors import NotebookError, SourceError, Unavailable
from brignb.executors.sandbox import Bind, python_below
from brignb.export import check, to_bytes
from brignb.model.assignment import Assignment
from brignb.model.builds import Build, Outcome, State
from brignb.model.events import Event
from brignb.model.logs import LogLine
from brignb.model.projects import Project
from brignb.model.redaction import Redactor
from brignb.model.rooms import Room
from brignb.zygote.forked import Forked

log = logging.getLogger(__name__)

SRC: Final = Path("/src")


@dataclass(frozen=True, slots=True)
class Prepared:
    """What an attempt needs before its worker is told.

    Args:
        event: What the build is for.
        commit: None without a repository.
        notebook: The worker notebook's text.
        noting: Done when the commit is in the store and the worker notebook in the archive.
        warm: A forked worker; None: one is spawned.
    """

    event: Event
    commit: str | None
    notebook: str
    noting: asyncio.Task[None]
    warm: Forked | None


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
        self._folder = site.work / build.id
        self._redactor = Redactor()

    async def run(self) -> None:
        """Make the attempt, write down how it ended."""
        try:
            await self._end(await self._attempt())
        except Unavailable as error:
            # Nothing could be written down: the build stays `running` with this attempt, and the next start recovers it.
            log.error("build %s: %s", self._build.id, error)  # noqa: TRY400 - an error for people, not a traceback
        finally:
            await asyncio.to_thread(self._clean)
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
        try:
            prepared = await self._unless_ordered(self._prepare(project))
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the build must end and say so
            return self._failed(error)
        if prepared is None:
            return self._order.outcome()
        ended = self._order.outcome() or await self._host(project, prepared)
        if isinstance(ended, Died):
            outcome = self._order.outcome()
            if outcome is None:
                why = self._redactor(str(ended))
                self._say(why)
                await lose(site, build.id, why=why)
                return None
            await asyncio.to_thread(materialise, site.archive, build.id, outcome)
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

    async def _prepare(self, project: Project) -> Prepared:
        """Source, worker notebook, checkout, a worker that waits; `noting` is done when all of it is on the disk."""
        site, build = self._site, self._build
        reading = asyncio.create_task(site.store.event(build.event_id))
        executor = project.executor or site.executor
        if executor != "process":
            raise SourceError("executor", f"the {executor} executor is not there yet", where="project file: executor")
        commit = None
        if project.clone_url:
            commit = await site.source.resolve(project, build.revision, any_commit=build.any_commit)
        raw, name = await self._notebook(project, commit)
        exported = await asyncio.to_thread(
            check, raw, name=name, commit=commit, redactor=Redactor(project.secrets.values())
        )
        text = to_bytes(exported)
        found = f"source: {project.name} at {commit}" if commit else ""
        filing = asyncio.create_task(asyncio.to_thread(self._file, text, found))
        warm = await self._warm()
        source = self._folder / "src"
        source.mkdir(mode=0o700, parents=True, exist_ok=True)
        if commit is not None:
            await site.source.checkout(project, commit, source)
        event = await reading
        if event is None:
            raise SourceError("project_deleted", "its project is gone")
        noting = asyncio.create_task(self._note(commit, "fork" if warm else "shell", filing))
        return Prepared(event, commit, text.decode(), noting, warm)

    async def _note(self, commit: str | None, tier: str, filing: asyncio.Task[None]) -> None:
        build = self._build
        await self._site.store.note_start(build.id, attempt=build.attempt, commit=commit, tier=tier)
        await filing

    def _file(self, worker_notebook: bytes, found: str) -> None:
        """What must be on the disk before the first cell begins."""
        self._site.archive.put(self._build.id, WORKER_NOTEBOOK, worker_notebook)
        if found:
            self._say(found)

    async def _warm(self) -> Forked | None:
        """A forked worker that waits; None where none can be had."""
        zygotes = self._site.zygotes
        if zygotes is None:
            return None
        try:
            warm, ready = await zygotes.take()
        except Unavailable as error:
            log.warning("build %s runs in a fresh interpreter: %s", self._build.id, error)
            return None
        for module, why in ready.refused.items():
            self._say(f"preload: {module} was not preloaded: {why}")
        return warm

    async def _notebook(self, project: Project, commit: str | None) -> tuple[bytes, str]:
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

    async def _host(self, project: Project, prepared: Prepared) -> Outcome | Died:
        site, build, event = self._site, self._build, prepared.event
        folders = (self._folder, site.builds / build.id, site.cache / project.id)
        for folder in folders[1:]:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        source = self._folder / "src"
        walled = site.hidden is not None
        revision = {"commit": prepared.commit or event.revision.commit, "ref": event.revision.ref}
        assignment = Assignment(
            build_id=build.id,
            attempt=build.attempt,
            created_ms=build.created_at,
            project=project.stored(),
            event=Event.from_json({**event.to_json(), "revision": revision}),
            source=str(SRC if walled else source),
            builds=str(site.builds),
            work=str(self._folder),
            cache=str(folders[2]),
            notebook=prepared.notebook,
            room=self._room(folders) if walled and prepared.warm else None,
        )
        return await host(
            prepared.warm or await self._spawn(folders),
            assignment,
            project.secrets,
            listener=StoreListener(site, build, event, noted=prepared.noting),
            order=self._order,
            seconds=project.timeout,
        )

    def _room(self, own: Sequence[Path]) -> Room:
        site = self._site
        return Room(
            folder=str(self._folder / "src"),
            own=tuple(map(str, own)),
            hidden=tuple(map(str, (site.builds, site.work, site.cache))),
            kept=tuple(map(str, python_below(Path("/tmp")))),  # noqa: S108 - the machine's, which the worker does not see
        )

    async def _spawn(self, own: Sequence[Path]) -> Spawned:
        source = self._folder / "src"
        if self._site.hidden is None:
            return await spawn(None, source)
        binds = [Bind(source, SRC, writable=True), *(Bind(p, p, writable=True) for p in own)]
        return await spawn(Sandbox(binds=binds, hidden=self._site.hidden), SRC)

    async def _end(self, outcome: Outcome | None) -> None:
        if outcome is not None:
            at = self._site.now_ms()
            await self._site.store.finish(self._build.id, attempt=self._build.attempt, outcome=outcome, at=at)

    def _say(self, text: str) -> None:
        """A line of brignb's own in the worker's log."""
        archive, build_id = self._site.archive, self._build.id
        data = b"".join(LogLine(self._site.now_ms(), "system", line).encode() for line in text.splitlines())
        archive.append(build_id, WORKER, archive.size(build_id, WORKER), data)
        self._site.news.ring(build_id)

    def _clean(self) -> None:
        """Keep the artifacts, forget the rest of the work folder."""
        artifacts = self._folder / "artifacts"
        place = self._site.builds / self._build.id / "artifacts"
        if artifacts.is_dir() and not place.exists():
            artifacts.rename(place)
        shutil.rmtree(self._folder, ignore_errors=True)
