"""A bare mirror of one project's repository: its branches and tags, and the objects of what else was asked for.

What must never happen: half a mirror (a clone is made aside and renamed), a mirror of another URL than the project's, credentials in
its configuration, two writers at once, or a commit that is trusted because it once was on a branch (a fetch forgets what it knew).
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from brignb.errors import SourceError
from brignb.model.projects import Project
from brignb.source.command import Git, GitFailed
from brignb.source.credentials import credentials
from brignb.source.holding import Holding
from brignb.source.objects import MirrorDamaged, Objects
from brignb.source.surroundings import Surroundings
from brignb.source.words import tells_of_absence, unreachable

log = logging.getLogger("brignb.source")

PACKS: Final = 40
"""Packs, from which on a mirror is tidied up."""
LOOSE: Final = 20
"""Loose objects in one of the 256 folders, from which on a mirror is tidied up."""
_REFSPECS: Final = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")


@dataclass(slots=True)
class _Known:
    """What was learnt of the refs since the last fetch, which starts another: an answer that comes late lands in the old one."""

    reached: dict[str, bool] = field(default_factory=dict)
    tags: str | None = None


class Mirror:
    """See the module.

    Args:
        folder: Where it is, or will be.
        git: The program.
        surroundings: What it runs with.
        stall: Seconds without a word from the network after which a command is ended.
    """

    def __init__(self, folder: Path, git: Git, surroundings: Surroundings, *, stall: float) -> None:
        self.folder = folder
        self.objects = Objects(git, folder)
        self.hold = Holding(folder.with_name(f"{folder.name}.lock"))
        self.made = 0
        self._git = git
        self._surroundings = surroundings
        self._stall = stall
        self._url: str | None = None
        self._begun = 0
        self._last: tuple[int, SourceError | None] = (0, None)
        self._known = _Known()

    async def is_of(self, project: Project) -> bool:
        """Whether it is there, and is of the project's URL."""
        if not self.folder.is_dir():
            return False
        if self._url is None:
            with contextlib.suppress(GitFailed):  # no URL, or no repository at all: then it is not of the project's
                args = (f"--git-dir={self.folder}", "config", "--get", "remote.origin.url")
                self._url = (await self._git.run(*args)).decode().rstrip("\n")
        return self._url == project.clone_url

    async def commit(self, name: str) -> str | None:
        """The commit that a full name or a digest stands for; None when the mirror has none.

        Raises:
            MirrorDamaged: Git could not read it.
        """
        found = await self.objects.get(f"{name}^{{commit}}")
        return found.digest if found else None

    async def reaches(self, commit: str) -> bool:
        """Whether a branch or a tag reaches a commit."""
        known = self._known
        if commit not in known.reached:
            output = await self._run("for-each-ref", f"--contains={commit}", "--count=1", "refs/heads", "refs/tags")
            known.reached[commit] = bool(output)
        return known.reached[commit]

    async def tags(self) -> str:
        """A digest of all tags and what they stand for; another one when any of them has changed.

        Raises:
            MirrorDamaged: Git could not read them.
        """
        known = self._known
        if known.tags is None:
            output = await self._run("for-each-ref", "--format=%(objectname) %(refname)", "refs/tags")
            known.tags = hashlib.sha256(output).hexdigest()
        return known.tags

    async def refresh(self, project: Project) -> None:
        """Fetch branches and tags, or make the mirror. Those who ask while another's fetch waits to begin share it.

        Raises:
            SourceError: `repository_unreachable`.
            MirrorDamaged: Git could not work with it.
        """
        asked = self._begun
        async with self.hold():
            await asyncio.sleep(0)  # whoever asks in this very turn of the loop shares the fetch
            number, error = self._last
            if number <= asked:
                number = self._begun = self._begun + 1
                error = await self._refreshed(project)
                self._last = (number, error)
        if error is not None:
            raise SourceError(error.reason, error.message, where=error.where, hint=error.hint)

    async def fetch(self, project: Project, what: str) -> bool:
        """Fetch a commit or a ref besides branches and tags; False when the remote has none.

        Raises:
            SourceError: `repository_unreachable`.
            MirrorDamaged: Git could not work with it.
        """
        async with self.hold():
            return await self._fetched(project, "--no-tags", "--", project.clone_url or "", what)

    async def remote(self, project: Project, *patterns: str) -> dict[str, str]:
        """The remote's refs, by their full names.

        Raises:
            SourceError: `repository_unreachable`.
        """
        with credentials(project, self._surroundings) as env:
            try:
                output = await self._git.run(
                    "ls-remote", "--quiet", "--", project.clone_url or "", *patterns, env=env, stall=self._stall
                )
            except GitFailed as error:
                raise unreachable(project, error.words) from error
        pairs = (line.split("\t", 1) for line in output.decode("utf-8", "replace").splitlines())
        return {name: digest for digest, name in pairs}

    async def remake(self, project: Project, made: int) -> None:
        """Make a damaged mirror afresh, unless somebody has since it was `made`.

        Raises:
            SourceError: `repository_unreachable`.
        """
        async with self.hold():
            if self.made == made:
                await self._clone(project)

    async def _refreshed(self, project: Project) -> SourceError | None:
        try:
            if await self.is_of(project):
                await self._fetched(project, "--prune", "--no-tags", "--", project.clone_url or "", *_REFSPECS)
                await self._tidy()
            else:
                await self._clone(project)
        except SourceError as error:
            return error
        self._known = _Known()
        return None

    async def _fetched(self, project: Project, *args: str) -> bool:
        with credentials(project, self._surroundings) as env:
            command = (f"--git-dir={self.folder}", "fetch", "--progress", "--no-write-fetch-head", *args)
            try:
                await self._git.run(*command, env=env, stall=self._stall)
            except GitFailed as error:
                if tells_of_absence(error.words):
                    return False
                if error.late:
                    raise unreachable(project, error.words) from error
                await self.remote(project, "HEAD")  # is it the remote? then this raises
                raise MirrorDamaged(error.words) from error
        return True

    async def _clone(self, project: Project) -> None:
        fresh, old = (self.folder.with_name(f"{self.folder.name}.{word}") for word in ("new", "old"))
        await asyncio.to_thread(_remove, fresh, old)
        with credentials(project, self._surroundings) as env:
            # --no-local: even a repository on this machine is read by git's protocol, so that no file is shared with it
            args = ("clone", "--bare", "--no-local", "--progress", "--", project.clone_url or "", fresh)
            try:
                await self._git.run(*args, env=env, stall=self._stall)
            except GitFailed as error:
                await asyncio.to_thread(_remove, fresh)
                raise unreachable(project, error.words) from error
        await self.objects.close()
        if self.folder.exists():
            self.folder.rename(old)
        fresh.rename(self.folder)
        self.made += 1
        self._url = project.clone_url
        self._known = _Known()
        await asyncio.to_thread(_remove, old)

    async def _tidy(self) -> None:
        objects = self.folder / "objects"
        packs = (
            sum(path.suffix == ".pack" for path in (objects / "pack").iterdir()) if (objects / "pack").is_dir() else 0
        )
        sample = objects / "17"  # objects spread evenly: one folder tells of all, as in git's own rule
        if packs > PACKS or (sample.is_dir() and sum(1 for _ in sample.iterdir()) > LOOSE):
            log.info("tidying %s", self.folder.name)
            await self._run("gc", "--quiet")

    async def _run(self, *args: str) -> bytes:
        try:
            return await self._git.run(f"--git-dir={self.folder}", *args)
        except GitFailed as error:
            raise MirrorDamaged(error.words) from error


def _remove(*folders: Path) -> None:
    for folder in folders:
        if folder.is_dir():
            shutil.rmtree(folder)
        else:
            folder.unlink(missing_ok=True)
