"""One attempt of one build, from claim to its last state.

    claimed ──▶ source ──▶ export ──▶ checkout ──▶ worker ──▶ finish / requeue

Every way out writes the state by the attempt's fence, leaves a truthful record where a notebook had begun, and takes the work folder
away. What went wrong before there was a worker is a line in the worker's log too, so that `build logs` tells it.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final

from brignb.archive.seam import WORKER, WORKER_NOTEBOOK
from brignb.controller.hosting import Died, Order, Sandbox, host
from brignb.controller.listening import StoreListener
from brignb.controller.losing import lose
from brignb.controller.records import materialise
from brignb.controller.site import Site
from brignb.errors import NotebookError, SourceError, Unavailable
from brignb.executors.sandbox import Bind
from brignb.model.assignment import Assignment
from brignb.model.builds import Build, Outcome, State
from brignb.model.events import Event
from brignb.model.logs import LogLine
from brignb.model.projects import Project
from brignb.model.redaction import Redactor

log = logging.getLogger(__name__)

SRC: Final = Path("/src")


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
        now = await site.store.build(build.id)
        if now is not None and now.cancel_requested:
            self._order.cancel("canceled")  # asked after the claim, before anybody could be told
        project = await site.store.project(build.project)
        event = await site.store.event(build.event_id)
        if project is None or event is None:
            return Outcome(state=State.FAILED, reason="project_deleted", message="its project is gone")
        self._redactor = Redactor(project.secret_values())
        try:
            commit = await self._unless_ordered(self._prepare(project))
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the build must end and say so
            return self._failed(error)
        ended = self._order.outcome() or await self._host(project, event, commit)
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

    async def _unless_ordered(self, preparing: Coroutine[Any, Any, str | None]) -> str | None:
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

    async def _prepare(self, project: Project) -> str | None:
        """Source, worker notebook, checkout; answers the commit, None without a repository."""
        site, build = self._site, self._build
        executor = project.executor or site.executor
        if executor != "process":
            raise SourceError("executor", f"the {executor} executor is not there yet", where="project file: executor")
        commit = None
        if project.clone_url:
            took: list[float] = []
            commit = await site.source.resolve(
                project, build.revision, any_commit=build.any_commit, fetched=took.append
            )
            await site.store.set_commit(build.id, attempt=build.attempt, commit=commit)
            self._say(f"source: {project.name} at {commit}" + "".join(f" (fetched in {s:.2f} s)" for s in took))
        raw, name = await self._notebook(project, commit)
        ready = await site.exports.ready(raw, name=name, commit=commit, secrets=project.secrets.values())
        await asyncio.to_thread(site.archive.put, build.id, WORKER_NOTEBOOK, ready.content)
        source = self._folder / "src"
        source.mkdir(mode=0o700, parents=True, exist_ok=True)
        if commit is not None:
            await site.source.checkout(project, commit, source)
        return commit

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

    async def _host(self, project: Project, event: Event, commit: str | None) -> Outcome | Died:
        site, build = self._site, self._build
        source = self._folder / "src"
        cache = site.cache / project.id
        place = site.builds / build.id
        for folder in (cache, place):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sandbox = None
        if site.hidden is not None:
            own = (self._folder, place, cache)
            binds = [Bind(source, SRC, writable=True), *(Bind(p, p, writable=True) for p in own)]
            sandbox = Sandbox(binds=binds, hidden=site.hidden)
        revision = {"commit": commit or event.revision.commit, "ref": event.revision.ref}
        assignment = Assignment(
            build_id=build.id,
            attempt=build.attempt,
            created_ms=build.created_at,
            project=project.stored(),
            event=Event.from_json({**event.to_json(), "revision": revision}),
            source=str(SRC if sandbox else source),
            builds=str(site.builds),
            work=str(self._folder),
            cache=str(cache),
        )
        await site.store.set_tier(build.id, attempt=build.attempt, tier="cold")
        return await host(
            assignment,
            project.secrets,
            listener=StoreListener(site, build, event),
            order=self._order,
            seconds=project.timeout,
            sandbox=sandbox,
            cwd=SRC if sandbox else source,
        )

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
