"""A commit's work tree, with a `.git` of its own that knows nothing of where it is.

It is read by many builds, each through an overlay or as a copy, at another path, with other inodes. So its index trusts sizes and times
alone (`core.checkStat`), and its files are dated back, which makes a later change of the same size show.

Packs are shared with the mirror by hard links, which costs nothing: git never writes into one. The whole history, all branches and all
tags come along; of a repository whose history is huge only the last commits do.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import time
from pathlib import Path
from typing import Final

from brignb.errors import SourceError
from brignb.model.projects import Project
from brignb.source.command import Git, GitFailed
from brignb.source.credentials import credentials
from brignb.source.mirror import Mirror
from brignb.source.objects import MirrorDamaged
from brignb.source.surroundings import Surroundings
from brignb.source.words import failed_submodules

HISTORY_MAX: Final = 256 * 1024 * 1024
"""Bytes of packs, up to which a work tree has the whole history: more would be copied where there are no overlays."""
SHALLOW: Final = 50
"""Commits of history in a work tree of a larger repository; it has no tags and no other branches."""
BACK: Final = 10
"""Seconds by which files are dated back. Git looks into a file that is as young as the index (`racy-git`), and takes one of the same
size and second for unchanged otherwise."""
_STAT: Final = "[core]\n\tcheckStat = minimal\n\ttrustctime = false\n\tuntrackedCache = false\n"


def name_of(project: Project, commit: str, tags: str) -> str:
    """What tells a tree of a project from its others: the commit, and what else `.git` shows (`git describe` finds tags)."""
    rest = json.dumps([project.clone_url, project.init_submodules, tags])
    return f"{commit}-{hashlib.sha256(rest.encode()).hexdigest()[:12]}"


async def check_out(git: Git, mirror: Mirror, project: Project, commit: str, folder: Path, *, history_max: int) -> None:
    """Make `folder`, which is not there, a work tree of a commit that the mirror has; on an error some of it may be there.

    Raises:
        SourceError: `no_source`.
        MirrorDamaged: Git could not work with the mirror.
    """
    try:
        async with mirror.hold():  # nobody tidies the mirror up while it is cloned
            if _history(mirror.folder) <= history_max:
                await git.run("clone", "--quiet", "--no-checkout", "--", mirror.folder, folder)
            else:
                await _shallow(git, mirror.folder, commit, folder)
        await git.run("config", "remote.origin.url", project.clone_url or "", cwd=folder)
        await git.run("checkout", "--quiet", "--detach", commit, cwd=folder)
    except GitFailed as error:
        raise MirrorDamaged(error.words) from error


async def add_submodules(git: Git, surroundings: Surroundings, project: Project, folder: Path, *, stall: float) -> None:
    """Bring in submodules, and theirs, with the project's credentials.

    Raises:
        SourceError: `submodules_failed`.
    """
    if not (folder / ".gitmodules").exists():
        return
    with credentials(project, surroundings) as env:
        try:
            await git.run(
                "submodule", "update", "--init", "--recursive", "--progress", cwd=folder, env=env, stall=stall
            )
        except GitFailed as error:
            raise failed_submodules(project, error.words) from error


async def settle(git: Git, folder: Path) -> None:
    """Date a work tree's files back, and have its index, and its submodules', know them so.

    Raises:
        SourceError: `no_source`.
    """
    await asyncio.to_thread(_prepare, folder, int(time.time()) - BACK)
    refresh = ("update-index", "-q", "--refresh")
    try:
        await git.run(*refresh, cwd=folder)
        if (folder / ".gitmodules").exists():
            await git.run("submodule", "--quiet", "foreach", "--recursive", " ".join(("git", *refresh)), cwd=folder)
    except GitFailed as error:
        raise SourceError("no_source", f"the work tree cannot be finished: {error.words}", where=str(folder)) from error


def check_empty(folder: Path) -> None:
    """Refuse to make a work tree in a folder with something in it.

    Raises:
        SourceError: `no_source`.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SourceError("no_source", "a work tree can only be made in an empty folder", where=str(folder))


def _prepare(folder: Path, when: int) -> None:
    inner = (folder / ".git" / "modules").rglob("config")
    for config in (folder / ".git" / "config", *(path for path in inner if path.with_name("HEAD").is_file())):
        with config.open("a") as file:
            file.write(_STAT)
    for place, folders, files in os.walk(folder):
        if ".git" in folders:
            folders.remove(".git")
        for name in (*files, *folders):
            os.utime(f"{place}/{name}", (when, when), follow_symlinks=False)


def _history(mirror: Path) -> int:
    packs = mirror / "objects" / "pack"
    return sum(path.stat().st_size for path in packs.iterdir()) if packs.is_dir() else 0


async def _shallow(git: Git, mirror: Path, commit: str, folder: Path) -> None:
    kind = "sha1" if len(commit) == 40 else "sha256"  # noqa: PLR2004  # hex digits
    await git.run("init", "--quiet", f"--object-format={kind}", "--", folder)
    await git.run("remote", "add", "origin", mirror.as_uri(), cwd=folder)
    await git.run(
        "fetch", "--quiet", "--no-write-fetch-head", f"--depth={SHALLOW}", "--no-tags", "origin", commit, cwd=folder
    )
