"""Source by real git: a warm bare mirror per project, one reader of its objects, one read-only work tree per commit.

    resolve ──▶ commit            (`resolving`: without the network, where the mirror has it)
    notebook ─▶ bytes             (`objects`: without a process)
    tree ─────▶ a held work tree  (`trees`: made once, found again)  ──▶ checkout: a copy of it

A mirror that git cannot work with is made afresh, once. What must never happen: a credential anywhere but in git's hands, or a file
that a job can write to and another build reads.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

from brignb.errors import SourceError
from brignb.model.events import Revision
from brignb.model.kept import Kept
from brignb.model.projects import Project
from brignb.source.command import Git
from brignb.source.mirror import Mirror
from brignb.source.objects import SIZE_MAX, MirrorDamaged, ObjectTooLarge
from brignb.source.resolving import Resolving, Stopwatch
from brignb.source.seam import HeldTree, unheard
from brignb.source.surroundings import Surroundings
from brignb.source.treecopy import copy_tree
from brignb.source.trees import BYTES_MAX, TREES_MAX, Trees
from brignb.source.worktree import HISTORY_MAX, add_submodules, check_empty, check_out, name_of, settle

log = logging.getLogger("brignb.source")

OPEN_MAX: Final = 8
"""Mirrors whose reader is kept open."""
NOTEBOOKS_MAX: Final = 256
"""Notebooks that are remembered."""
NOTEBOOK_BYTES_MAX: Final = 32 * 1024 * 1024
"""Bytes of theirs."""
_FILES: Final = ("100644", "100755")
_NO_FILE: Final = {"120000": "a symbolic link", "160000": "a submodule"}

T = TypeVar("T")


class GitSource:
    """See the module.

    Args:
        sources: Folder of the mirrors, made when it is not there.
        trees: Folder of the work trees, made when it is not there; best on the same disk as the mirrors, which they share files with.
        git: The program.
        environ: The server's environment; git sees little of it.
        stall: Seconds without a word from the network, after which a repository counts as unreachable.
        limit: Seconds for any one git command.
        history_max: Bytes of packs, up to which a work tree has the whole history.
        trees_max: Work trees that are kept while nobody holds them.
        bytes_max: Bytes of theirs.
    """

    def __init__(
        self,
        sources: Path,
        trees: Path,
        *,
        git: str = "git",
        environ: Mapping[str, str] = os.environ,
        stall: float = 20.0,
        limit: float = 900.0,
        history_max: int = HISTORY_MAX,
        trees_max: int = TREES_MAX,
        bytes_max: int = BYTES_MAX,
    ) -> None:
        self._sources = sources
        self._surroundings = Surroundings(sources, environ)
        self._git = Git(git, self._surroundings.environment(), limit=limit)
        self._stall = stall
        self._history_max = history_max
        self._mirrors: dict[str, Mirror] = {}
        self._notebooks: Kept[tuple[str, str], bytes] = Kept(count=NOTEBOOKS_MAX, size=NOTEBOOK_BYTES_MAX)
        self._trees = Trees(trees, count=trees_max, size=bytes_max)

    async def resolve(
        self,
        project: Project,
        revision: Revision,
        *,
        any_commit: bool,
        fetched: Callable[[float], None] = unheard,
    ) -> str:
        """See `Source.resolve`."""
        mirror = await self._mirror(project)
        watch = Stopwatch()
        resolving = Resolving(mirror, project, watch, any_commit=any_commit)
        try:
            return await self._mending(mirror, project, lambda: resolving.commit_of(revision), watch)
        finally:
            if watch.seconds is not None:
                fetched(watch.seconds)

    async def notebook(self, project: Project, commit: str, path: str) -> bytes | None:
        """See `Source.notebook`."""
        _check_path(path)
        mirror = await self._mirror(project)

        async def work() -> bytes | None:
            await self._present(mirror, project, commit)
            if known := self._notebooks.get((commit, path)):  # the project has the commit, and so this very file
                return known
            entry = await mirror.objects.entry(commit, path)
            if entry is None:
                return None
            if entry.mode not in _FILES:
                raise _invalid(path, f"it is {_NO_FILE.get(entry.mode, 'a folder')}, not a file")
            found = await mirror.objects.get(entry.digest)
            if found is None:
                raise MirrorDamaged(f"{entry.digest} is missing")
            self._notebooks.put((commit, path), found.content, len(found.content))
            return found.content

        try:
            return await self._mending(mirror, project, work)
        except ObjectTooLarge:
            raise _invalid(path, f"it has more than {SIZE_MAX // 2**20} MiB") from None

    async def tree(self, project: Project, commit: str) -> HeldTree:
        """See `Source.tree`. The whole history comes along unless it is huge, and all tags."""
        mirror = await self._mirror(project)

        async def make(folder: Path) -> None:
            await check_out(self._git, mirror, project, commit, folder, history_max=self._history_max)
            if project.init_submodules:
                await add_submodules(self._git, self._surroundings, project, folder, stall=self._stall)
            await settle(self._git, folder)

        async def work() -> HeldTree:
            await self._present(mirror, project, commit)
            return await self._trees.hold(project.id, name_of(project, commit, await mirror.tags()), make)

        try:
            return await self._mending(mirror, project, work)
        except OSError as error:
            where = str(error.filename or project.name)
            raise SourceError("no_source", f"the work tree cannot be kept: {error.strerror}", where=where) from error

    async def checkout(self, project: Project, commit: str, folder: Path) -> None:
        """See `Source.checkout`."""
        check_empty(folder)
        with await self.tree(project, commit) as tree:
            await copy_tree(tree, folder)

    async def close(self) -> None:
        """End the readers, and finish what is being deleted."""
        await self._trees.close()
        for mirror in self._mirrors.values():
            await mirror.objects.close()

    async def _mirror(self, project: Project) -> Mirror:
        if not self._mirrors:
            self._surroundings.prepare()
        mirror = self._mirrors.pop(project.id, None)
        if mirror is None:
            mirror = Mirror(self._sources / project.id, self._git, self._surroundings, stall=self._stall)
        self._mirrors[project.id] = mirror  # the last used stands last
        idle = [other for other in self._mirrors.values() if other.objects.idle]
        for other in idle[: max(0, len(idle) - OPEN_MAX)]:
            await other.objects.close()
        return mirror

    async def _mending(
        self, mirror: Mirror, project: Project, work: Callable[[], Awaitable[T]], watch: Stopwatch | None = None
    ) -> T:
        made = mirror.made
        try:
            return await work()
        except MirrorDamaged as damage:
            log.warning("the mirror of %s is damaged and is made afresh: %s", project.name, damage)
        with watch or Stopwatch():
            await mirror.remake(project, made)
        try:
            return await work()
        except MirrorDamaged as damage:
            raise SourceError(
                "no_source",
                f"git cannot work with the repository's mirror, not even with a fresh one: {damage}",
                where=project.clone_url or project.name,
                hint="look at `git fsck` of the repository, and at the server's disk",
            ) from damage

    async def _present(self, mirror: Mirror, project: Project, commit: str) -> None:
        """Have a commit that was resolved before; its mirror may have gone since."""
        if not (await mirror.is_of(project) and await mirror.commit(commit)):
            await Resolving(mirror, project, Stopwatch(), any_commit=True).commit_of(Revision(commit=commit))


def _check_path(path: str) -> None:
    parts = path.split("/")
    if not all(parts) or {".", ".."} & set(parts) or any(c < " " or c == "\x7f" for c in path):
        raise _invalid(path, "it is not a path in the repository")


def _invalid(path: str, why: str) -> SourceError:
    return SourceError("notebook_invalid", f"{path!r:.200} cannot be a notebook: {why}", where="project file: notebook")
