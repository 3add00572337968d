"""Where one attempt's worker runs: its folders, its source at `/src`, and the process itself.

    settle ──▶ a zygote that is ready? ──yes──▶ the commit's tree, overlaid ──▶ start ──▶ a forked worker, and its room
                        └──no (none can be had, no overlays)──▶ a private copy ──▶ start ──▶ a worker of its own interpreter

What must never happen: a folder of one build in another's sight, a tree that is let go of while its worker lives.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from brignb.controller.hosting import Process
from brignb.controller.site import Quarters
from brignb.controller.spawning import Sandbox, spawn
from brignb.errors import Unavailable
from brignb.executors.folders import remove
from brignb.executors.sandbox import Bind, python_below
from brignb.model.projects import Project
from brignb.model.rooms import Room
from brignb.source.seam import HeldTree
from brignb.zygote.keeping import Ready
from brignb.zygote.walls import SRC

log = logging.getLogger(__name__)

_TMP: Final = Path("/tmp")  # noqa: S108 - the machine's, which a worker does not see


class Place:
    """See the module.

    Args:
        quarters: Where workers run.
        project: Whose build it is.
        build_id: The build.
    """

    def __init__(self, quarters: Quarters, project: Project, build_id: str) -> None:
        self._quarters = quarters
        self._project = project
        self._walled = quarters.hidden is not None
        self._zygote: Ready | None = None
        self._tree: HeldTree | None = None
        self.work = quarters.work / build_id
        self.cache = quarters.cache / project.id
        self._builds = quarters.builds / build_id

    async def settle(self, commit: str | None, *, ahead: Sequence[str] = ()) -> None:
        """Have the source of a commit, and what it takes to start a worker.

        Args:
            commit: None: there is no source.
            ahead: Modules that the build's tier has imported before, besides the project's own.

        Raises:
            SourceError: The source cannot be had.
        """
        self._preload = (*self._project.preload, *ahead)
        self._zygote = await self._warm()
        for folder in (self.work, self.cache, self._builds):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if commit is not None and self._zygote is not None and self._zygote.overlay:
            self._tree = await self._quarters.source.tree(self._project, commit)
        elif commit is not None:
            await self._quarters.source.checkout(self._project, commit, self._copy)
        else:
            self._copy.mkdir(mode=0o700, exist_ok=True)

    @property
    def tier(self) -> str:
        """The kind of worker that `start` gives."""
        return "shell" if self._zygote is None else "fork"

    @property
    def source(self) -> Path:
        """The source as the worker sees it."""
        return SRC if self._walled else self._copy

    @property
    def refused(self) -> Sequence[str]:
        """What is not preloaded though the project asks for it, a sentence each."""
        refused = self._zygote.refused if self._zygote else {}
        return [f"preload: {module} is not loaded ahead: {why}" for module, why in refused.items()]

    @property
    def room(self) -> Room:
        """What a forked worker shuts itself into."""
        hidden, limits = self._quarters.hidden, self._project.limits
        if hidden is None:
            return Room(memory=limits.memory, processes=limits.processes)
        return Room(
            tree=str(self._tree.folder) if self._tree else None,
            layer=str(self.work / "layer"),
            folder=str(self._copy),
            own=tuple(map(str, self._own)),
            hidden=tuple(map(str, hidden)),
            kept=tuple(map(str, python_below(_TMP))),
            memory=limits.memory,
            processes=limits.processes,
        )

    async def start(self) -> Process:
        """A worker that waits for its assignment.

        Raises:
            Unavailable: None can be forked now.
        """
        if self._zygote is not None and self._quarters.zygotes is not None:
            return await self._quarters.zygotes.take(self._preload)
        if self._quarters.hidden is None:
            return await spawn(None, self._copy)
        binds = [Bind(self._copy, SRC, writable=True), *(Bind(place, place, writable=True) for place in self._own)]
        return await spawn(Sandbox(binds=binds, hidden=self._quarters.hidden), SRC)

    def release(self) -> None:
        """The worker is gone: on the event loop."""
        if self._tree is not None:
            self._tree.release()

    def clean(self) -> None:
        """Keep the artifacts, forget the rest of the work folder; in any thread."""
        artifacts, kept = self.work / "artifacts", self._builds / "artifacts"
        if artifacts.is_dir() and not kept.exists():
            artifacts.rename(kept)
        if self.work.is_dir():
            remove(self.work)

    @property
    def _own(self) -> tuple[Path, ...]:
        return (self.work, self._builds, self.cache)

    @property
    def _copy(self) -> Path:
        return self.work / "src"

    async def _warm(self) -> Ready | None:
        if self._quarters.zygotes is None:
            return None
        try:
            return await self._quarters.zygotes.ready(self._preload)
        except Unavailable as error:
            log.warning("%s: a build runs in a fresh interpreter: %s", self._project.name, error)
            return None
