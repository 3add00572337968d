"""Source by real git: a warm bare mirror per project, one reader of its objects, a checkout per build.

    resolve ──▶ commit in the mirror, and trusted? ──yes──▶ its digest, without the network
                     │ no                   a ref, or no revision: the remote is always asked
                     └──▶ fetch branches and tags ──▶ fetch the commit itself, if any commit may be built

A ref is looked up as git does it: its full name, then a tag, then a branch. Abbreviated commits are refs. A commit that neither a
branch nor a tag reaches is built only when the caller says so (contract, "HTTP").

A mirror that git cannot work with is made afresh, once. What must never happen: a stranger's commit taken for the project's own, or a
credential anywhere but in git's hands.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

from brignb.errors import SourceError
from brignb.model.events import Revision
from brignb.model.projects import Project
from brignb.source.command import Git
from brignb.source.mirror import Mirror
from brignb.source.objects import SIZE_MAX, MirrorDamaged, ObjectTooLarge
from brignb.source.refs import candidates, is_kept, is_ref
from brignb.source.surroundings import Surroundings
from brignb.source.worktree import HISTORY_MAX, add_submodules, check_out

log = logging.getLogger("brignb.source")

OPEN_MAX: Final = 8
"""Mirrors whose reader is kept open."""
_FILES: Final = ("100644", "100755")
_NO_FILE: Final = {"120000": "a symbolic link", "160000": "a submodule"}

T = TypeVar("T")


class GitSource:
    """See the module.

    Args:
        sources: Folder of the mirrors, made when it is not there.
        git: The program.
        environ: The server's environment; git sees little of it.
        stall: Seconds without a word from the network, after which a repository counts as unreachable.
        limit: Seconds for any one git command.
        history_max: Bytes of packs, up to which a checkout has the whole history.
    """

    def __init__(
        self,
        sources: Path,
        *,
        git: str = "git",
        environ: Mapping[str, str] = os.environ,
        stall: float = 20.0,
        limit: float = 900.0,
        history_max: int = HISTORY_MAX,
    ) -> None:
        self._sources = sources
        self._surroundings = Surroundings(sources, environ)
        self._git = Git(git, self._surroundings.environment(), limit=limit)
        self._stall = stall
        self._history_max = history_max
        self._mirrors: dict[str, Mirror] = {}

    async def resolve(self, project: Project, revision: Revision, *, any_commit: bool) -> str:
        """See `Source.resolve`."""
        mirror = await self._mirror(project)

        async def work() -> str:
            if revision.commit:
                return await self._commit(mirror, project, revision.commit, revision.ref, any_commit=any_commit)
            if revision.ref and revision.ref != "HEAD":
                return await self._ref(mirror, project, revision.ref, any_commit=any_commit)
            return await self._head(mirror, project)

        return await self._mending(mirror, project, work)

    async def notebook(self, project: Project, commit: str, path: str) -> bytes | None:
        """See `Source.notebook`."""
        _check_path(path)
        mirror = await self._mirror(project)

        async def work() -> bytes | None:
            await self._present(mirror, project, commit)
            entry = await mirror.objects.entry(commit, path)
            if entry is None:
                return None
            if entry.mode not in _FILES:
                raise _invalid(path, f"it is {_NO_FILE.get(entry.mode, 'a folder')}, not a file")
            found = await mirror.objects.get(entry.digest)
            if found is None:
                raise MirrorDamaged(f"{entry.digest} is missing")
            return found.content

        try:
            return await self._mending(mirror, project, work)
        except ObjectTooLarge:
            raise _invalid(path, f"it has more than {SIZE_MAX // 2**20} MiB") from None

    async def checkout(self, project: Project, commit: str, folder: Path) -> None:
        """See `Source.checkout`. The whole history comes along unless it is huge, and all tags."""
        mirror = await self._mirror(project)

        async def work() -> None:
            await self._present(mirror, project, commit)
            await check_out(self._git, mirror, project, commit, folder, history_max=self._history_max)

        await self._mending(mirror, project, work)
        if project.init_submodules:
            await add_submodules(self._git, self._surroundings, project, folder, stall=self._stall)

    async def close(self) -> None:
        """End the readers."""
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

    async def _mending(self, mirror: Mirror, project: Project, work: Callable[[], Awaitable[T]]) -> T:
        made = mirror.made
        try:
            return await work()
        except MirrorDamaged as damage:
            log.warning("the mirror of %s is damaged and is made afresh: %s", project.name, damage)
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
            await self._commit(mirror, project, commit, None, any_commit=True)

    async def _commit(self, mirror: Mirror, project: Project, commit: str, ref: str | None, *, any_commit: bool) -> str:
        async def trusted() -> str | None:
            found = await mirror.commit(commit)
            return found if found and (any_commit or await mirror.reaches(found)) else None

        if await mirror.is_of(project) and (found := await trusted()):
            return found
        await mirror.refresh(project)
        if found := await trusted():
            return found
        if any_commit:
            others = [name for name in (commit, ref) if name and is_ref(name) and not is_kept(name)]
            for name in others:
                if await mirror.fetch(project, name) and (found := await trusted()):
                    return found
        elif await mirror.commit(commit) or commit in (await mirror.remote(project)).values():
            raise _untrusted(project, commit)
        raise SourceError(
            "commit_not_found",
            f"the repository has no commit {commit}",
            where=project.clone_url or "",
            hint="was it pushed, and not replaced by a forced push since?",
        )

    async def _ref(self, mirror: Mirror, project: Project, ref: str, *, any_commit: bool) -> str:
        names = candidates(ref) if is_ref(ref) else ()
        kept = [name for name in names if is_kept(name)]
        if kept:
            await mirror.refresh(project)
        for name in kept:
            if found := await mirror.commit(name):
                return found
        if names and not kept and (digest := (await mirror.remote(project, ref)).get(ref)):
            return await self._commit(mirror, project, digest, ref, any_commit=any_commit)
        raise SourceError(
            "ref_not_found",
            f"the repository has no ref {ref!r:.200}",
            where=project.clone_url or "",
            hint="a branch, a tag, or a full name such as refs/heads/main; a commit is given with all its digits",
        )

    async def _head(self, mirror: Mirror, project: Project) -> str:
        digest = (await mirror.remote(project, "HEAD")).get("HEAD")
        if digest is None:
            raise SourceError(
                "ref_not_found",
                "the repository's HEAD names no commit",
                where=project.clone_url or "",
                hint="is it empty? else name a branch, or set the repository's default branch",
            )
        return await self._commit(mirror, project, digest, None, any_commit=True)


def _check_path(path: str) -> None:
    parts = path.split("/")
    if not all(parts) or {".", ".."} & set(parts) or any(c < " " or c == "\x7f" for c in path):
        raise _invalid(path, "it is not a path in the repository")


def _invalid(path: str, why: str) -> SourceError:
    return SourceError("notebook_invalid", f"{path!r:.200} cannot be a notebook: {why}", where="project file: notebook")


def _untrusted(project: Project, commit: str) -> SourceError:
    return SourceError(
        "untrusted_commit",
        f"no branch and no tag of the repository reaches commit {commit}",
        where=project.clone_url or "",
        hint="such a commit is built only for a signed push, for a pull request whose author may, or by API token",
    )
