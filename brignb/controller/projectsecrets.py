"""Projects that are Secrets of the cluster: made, edited and deleted there, known here.

    Secrets ──two watches──▶ what there is ──settle──▶ store.put_project, delete_project
                                               └────▶ Events on the Secret, lines in the log

A project Secret is one of the type `brigade.sh/project`, or one with Brigade v1's labels (`heritage=brigade,component=project`). Each
round compares all that there are with all that the store has from this namespace, so that nothing depends on having seen a change:
after a restart, a missed edit or a deletion in between, the next round puts it right. What cannot be done yet is left for a later
round: when a build has ended, when projects have changed, and after `AGAIN`.

A Secret that is wrong changes nothing: the project stays as it was, and an Event on the Secret says what is wrong. A Secret that is
gone takes its project with it, history and all, as deleting by the API does; while a build of it runs the project takes no more
events, what waits is canceled, and it goes when that build has ended.

What must never happen: a Secret that changes a project which is not its own; a value of a Secret in a message.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from brignb.archive.seam import Archive
from brignb.cluster.connection import Connection
from brignb.cluster.remarks import remark
from brignb.cluster.view import View
from brignb.cluster.watching import Object
from brignb.errors import BrignbError, Conflict, ProjectFileError, Unavailable
from brignb.model import projectobject
from brignb.model.builds import State
from brignb.model.projects import Project
from brignb.store.seam import Store

log = logging.getLogger(__name__)

RIGHTS: Final[tuple[tuple[str, tuple[str, ...], str], ...]] = (
    ("secrets", ("list", "watch"), "projects are Secrets; RBAC knows no types, so it reads all of the namespace"),
    ("events", ("create",), "what is wrong with one is said where its owner looks"),
)
"""Resource, verbs, and what for."""
AGAIN: Final = 5.0
"""Seconds after which what was left is tried again."""
_PAGE: Final = 500
_SELECTORS: Final = (
    {"fieldSelector": f"type={projectobject.TYPE}"},
    {"fieldSelector": f"type!={projectobject.TYPE}", "labelSelector": "heritage=brigade,component=project"},
)


class ProjectSecrets:
    """See the module.

    Args:
        store: Its projects of this namespace are changed by nobody else.
        archive: Forgets the builds of projects that go.
        connection: To the cluster.
        namespace: Where the Secrets are.
        now_ms: The clock.
    """

    def __init__(
        self, store: Store, archive: Archive, connection: Connection, namespace: str, *, now_ms: Callable[[], int]
    ) -> None:
        self._store = store
        self._archive = archive
        self._connection = connection
        self._namespace = namespace
        self._now_ms = now_ms
        self._woken = asyncio.Event()
        self._views = [
            View(connection, namespace, "secrets", selectors=selectors, changed=self._woken.set)
            for selectors in _SELECTORS
        ]
        self._settled: dict[str, tuple[str, str]] = {}
        self._known: dict[str, dict[str, str]] = {}
        self._said: dict[str, tuple[str, set[str]]] = {}
        self._left = False

    def wake(self) -> None:
        """A build has ended, or somebody has changed projects: what was left, if anything was, may be possible now."""
        if self._left:
            self._woken.set()

    async def run(self) -> None:
        """For ever; cancel it. Only the leader's runs."""
        async with asyncio.TaskGroup() as group:
            for view in self._views:
                group.create_task(view.watch.run(), name="watch of project Secrets")
            group.create_task(self._settle_always(), name="project Secrets")

    async def _settle_always(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(AGAIN if self._left else None):
                    await self._woken.wait()
            self._woken.clear()
            if any(view.objects is None for view in self._views):
                continue
            self._left = True  # until it is known better: a build may end while this round still finds it running
            try:
                self._left = await self._settle()
            except Unavailable as error:
                log.warning("project Secrets: %s; tried again in %g s", error, AGAIN)

    async def _settle(self) -> bool:
        """One round; True when something is left."""
        there = {name: secret for view in self._views for name, secret in (view.objects or {}).items()}
        left = False
        for name, secret in there.items():
            version = _version(secret)
            self._known[name] = _about(secret)
            if self._settled.get(name) != version:
                if await self._take(secret):
                    self._settled[name] = version
                else:
                    left = True
        for project in await self._store.projects():
            if project.kept_in == self._namespace and project.id not in there:
                self._settled.pop(project.id, None)
                left |= not await self._leave(project)
        for gone in self._known.keys() - there.keys() - {project.id for project in await self._store.projects()}:
            self._forget(gone)
        return left

    async def _take(self, secret: Object) -> bool:
        """Make the store's project as the Secret says; False when it cannot be done now."""
        name = secret["metadata"]["name"]
        try:
            file = projectobject.read(secret)
        except ProjectFileError as error:
            known = await self._store.project(name)
            stays = f"; project {known.name} stays as it was" if known is not None else ""
            await self._say(name, "Refused", f"{error}{stays}", warning=True)
            return True
        project = replace(file.project, kept_in=self._namespace)
        if await self._store.project(project.name) == project:
            return True
        try:
            new = await self._store.put_project(project, at=self._now_ms(), replace=True)
        except Conflict as error:
            await self._say(name, "Refused", str(error), warning=True)
            return False
        done = "is registered" if new else "is changed"
        await self._say(name, "Registered" if new else "Changed", f"project {project.name} {done}")
        if file.warnings:
            await self._say(name, "Odd", "\n".join(file.warnings), warning=True)
        return True

    async def _leave(self, project: Project) -> bool:
        """Forget a project whose Secret is gone; False while a build of it runs."""
        if not project.leaving:
            await self._store.put_project(replace(project, leaving=True), at=self._now_ms(), replace=True)
        await self._cancel_pending(project.name)
        try:
            builds = await self._store.delete_project(project.name, kept_in=self._namespace)
        except Conflict as error:
            message = f"{error.message}; it takes no more events, and goes when that build has ended"
            await self._say(project.id, "Leaving", message, warning=True)
            return False
        await asyncio.to_thread(self._archive.forget, builds or ())
        count = len(builds or ())
        await self._say(project.id, "Forgotten", f"project {project.name} is gone, and its {count} builds with it")
        return True

    async def _cancel_pending(self, project: str) -> None:
        """What waits would run next, and keep the project."""
        cursor = None
        while True:
            page = await self._store.builds(project=project, state=State.PENDING, limit=_PAGE, cursor=cursor)
            await asyncio.gather(*(self._store.cancel(build.id, at=self._now_ms()) for build in page.items))
            if (cursor := page.next) is None:
                return

    async def _say(self, name: str, reason: str, message: str, *, warning: bool = False) -> None:
        """In the log and on the Secret, once for each version of it."""
        about = self._known.get(name) or {"kind": "Secret", "namespace": self._namespace, "name": name}
        version = about.get("resourceVersion", "")
        before, said = self._said.get(name, (version, set()))
        if before != version:
            said = set()
        self._said[name] = version, said
        if message in said:
            return
        said.add(message)
        log.log(logging.WARNING if warning else logging.INFO, "Secret %s/%s: %s", self._namespace, name, message)
        try:
            await remark(self._connection, about, reason, message, warning=warning, at=self._now_ms())
        except BrignbError as error:
            log.warning("Secret %s/%s: the Event could not be written: %s", self._namespace, name, error)

    def _forget(self, name: str) -> None:
        self._known.pop(name, None)
        self._settled.pop(name, None)
        self._said.pop(name, None)


def _version(secret: Object) -> tuple[str, str]:
    return secret["metadata"]["uid"], secret["metadata"]["resourceVersion"]


def _about(secret: Object) -> dict[str, str]:
    """What an Event says it is about."""
    metadata = secret["metadata"]
    known = {key: metadata[key] for key in ("namespace", "name", "uid", "resourceVersion")}
    return {"kind": "Secret", **known}
