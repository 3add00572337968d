"""What an attempt needs before there is a worker, here or in a pod: source, worker notebook, tier, and what the worker is told.

    Build, Project ──▶ prepare ──▶ Prepared ──▶ noted (store, archive) ──▶ assigned ──▶ Assignment

What must never happen: a repository's credentials, or a secret, in what a worker is told.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from brignb.archive.seam import WORKER_NOTEBOOK
from brignb.controller.records import debug_command
from brignb.controller.site import Site
from brignb.errors import NotebookError, SourceError
from brignb.export import choose
from brignb.model.assignment import Assignment, Server
from brignb.model.builds import Build, Outcome, State
from brignb.model.events import Event
from brignb.model.projects import Project

log = logging.getLogger(__name__)

GIVEN: Final = "given to a rerun"
"""What stands for the notebook's path, in the record too, where it is not the repository's."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """See the module.

    Args:
        event: What the build is for, on its way from the store.
        commit: None without a repository.
        notebook: The worker notebook.
        tier: What is to execute it.
        why: Why that; empty: it needs no word.
    """

    event: asyncio.Task[Event]
    commit: str | None
    notebook: bytes
    tier: str
    why: str


async def prepare(site: Site, build: Build, project: Project, say: Callable[[str], None]) -> Prepared:
    """Resolve the source, check and export the notebook, choose a tier.

    Args:
        site: What builds are made with.
        build: Claimed.
        project: Its own.
        say: Puts a line of ours into the build's log.

    Raises:
        SourceError: The source cannot be had, or this server has not the executor that the project wants.
        NotebookError: The notebook cannot be run.
    """
    event = asyncio.create_task(_event(site, build))
    executor_of(site, project)
    commit = None
    if project.clone_url:
        took: list[float] = []
        commit = await site.source.resolve(project, build.revision, any_commit=build.any_commit, fetched=took.append)
        say(f"source: {project.name} at {commit}" + "".join(f" (fetched in {s:.2f} s)" for s in took))
    raw, name = await _notebook(site, build, project, commit)
    ready = await site.exports.ready(raw, name=name, commit=commit, secrets=project.secrets.values())
    tier, why = choose(ready.exported.worker_notebook, project.tier)
    return Prepared(event, commit, ready.content, tier, why)


def noted(site: Site, build: Build, prepared: Prepared, tier: str) -> asyncio.Future[Any]:
    """Writing down that it was prepared: commit and tier in the store, the worker notebook in the archive."""
    noting = site.store.note_start(build.id, attempt=build.attempt, commit=prepared.commit, tier=tier)
    # Its journal is no more durable: after a power cut there is nothing that it would be needed for.
    filing = asyncio.to_thread(site.archive.put, build.id, WORKER_NOTEBOOK, prepared.notebook, durable=False)
    return asyncio.gather(noting, filing)


def assigned(build: Build, project: Project, prepared: Prepared, event: Event, **place: Any) -> Assignment:
    """What a worker is told.

    Args:
        build: Its own.
        project: Its build's.
        prepared: From `prepare`.
        event: The one that was prepared for.
        place: Where and by what it works: the assignment's fields that depend on it.
    """
    revision = {"commit": prepared.commit or event.revision.commit, "ref": event.revision.ref}
    return Assignment(
        build_id=build.id,
        attempt=build.attempt,
        created_ms=build.created_at,
        project=project.stored(),
        event=Event.from_json({**event.to_json(), "revision": revision}),
        notebook=prepared.notebook.decode(),
        why=prepared.why,
        debug=debug_command(build.id),
        **place,
    )


def failed(build: Build, error: Exception, redact: Callable[[str], str], say: Callable[[str], None]) -> Outcome:
    """There will be no worker: the reason for programs, the message for people, in the log too."""
    match error:
        case SourceError():
            reason, text = error.reason, str(error)
        case NotebookError():
            reason, text = "notebook_invalid", str(error)
        case _:
            log.error("build %s", build.id, exc_info=error)
            reason, text = "internal_error", f"{type(error).__name__}: {error}"
    message = redact(text)
    say(message)
    return Outcome(state=State.FAILED, reason=reason, message=message)


def executor_of(site: Site, project: Project) -> str:
    """What a worker's jobs are run by: `process`, its own sandbox; `server`, this server.

    Raises:
        SourceError: This server has not the executor that the project wants.
    """
    executor = project.executor or site.executor
    if executor == "process":
        return executor
    if executor != "kubernetes":
        raise SourceError("executor", f"the {executor} executor is not there yet", where="project file: executor")
    if site.runs is None:
        raise SourceError(
            "executor",
            "this server runs no jobs in a cluster",
            where="project file: executor",
            hint="start it with `serve --executor kubernetes`",
        )
    return "server"


def server_of(site: Site, build: Build, project: Project) -> Server | None:
    """Where the jobs of a build on this machine are started; None: in its worker's own sandbox."""
    if executor_of(site, project) == "process":
        return None
    assert site.serving is not None  # noqa: S101 - whoever has `runs` serves the workers' API
    return site.serving(build)


async def _event(site: Site, build: Build) -> Event:
    event = await site.store.event(build.event_id)
    if event is None:
        raise SourceError("project_deleted", "its project is gone")
    return event


async def _notebook(site: Site, build: Build, project: Project, commit: str | None) -> tuple[bytes, str]:
    if build.given_notebook is not None:
        given = await site.store.notebook(build.id)
        if given is not None:
            return given, GIVEN
    found = await site.source.notebook(project, commit, project.notebook) if commit else None
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
