"""A work tree for one build, with a `.git` of its own.

It shares no file with the mirror, not even by a hard link: a job may delete or damage all of it, and does not see the mirror. Copying
the mirror's packs is many times faster than having git pack the history anew, so the whole history, all branches and all tags come
along; of a repository whose history is huge only the last commits do.
"""

from __future__ import annotations

import shutil
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
"""Bytes of packs, up to which a checkout has the whole history."""
SHALLOW: Final = 50
"""Commits of history in a checkout of a larger repository; it has no tags and no other branches."""


async def check_out(git: Git, mirror: Mirror, project: Project, commit: str, folder: Path, *, history_max: int) -> None:
    """Make `folder`, which is empty or not there, a work tree of a commit that the mirror has.

    Raises:
        SourceError: `no_source`.
        MirrorDamaged: Git could not work with the mirror.
    """
    _check_empty(folder)
    try:
        async with mirror.hold():  # nobody tidies the mirror up while it is copied
            if _history(mirror.folder) <= history_max:
                await git.run("clone", "--quiet", "--no-checkout", "--no-hardlinks", "--", mirror.folder, folder)
            else:
                await _shallow(git, mirror.folder, commit, folder)
        await git.run("config", "remote.origin.url", project.clone_url or "", cwd=folder)
        await git.run("checkout", "--quiet", "--detach", commit, cwd=folder)
    except GitFailed as error:
        _empty(folder)
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


def _check_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SourceError("no_source", "a work tree can only be made in an empty folder", where=str(folder))


def _empty(folder: Path) -> None:
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


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
