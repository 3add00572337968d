"""The author's own files, as a copy: what `/src` is in `brignb run` and in a notebook's cells.

The enclosing git work tree (tracked files, and untracked ones that are not ignored), else the notebook's folder, becomes a git work
tree of its own whose `.git` works inside a job. A job never touches the author's files (contract, "Notebook").
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from brignb.errors import SourceError

COPY_MAX: Final = 200 * 1024 * 1024
"""Bytes; more is an error, since it is copied for every run."""


class WorkCopy:
    """One copy, kept up to date: each `refresh` brings in what the author has changed, and leaves what jobs have made.

    Args:
        start: A folder of the author's.
        target: A folder that is empty or not there yet.
        limit: Bytes.
    """

    def __init__(self, start: Path, target: Path, *, limit: int = COPY_MAX) -> None:
        self._top = _top(start)
        self._root = self._top or start
        self._target = target
        self._limit = limit
        self._seen: dict[str, tuple[int, int]] = {}

    def refresh(self) -> Path:
        """Copy what is new or changed, take away what the author took away; answers the copy's folder.

        Raises:
            SourceError: `source_too_large`; `source_copy` when git or the disk refuses.
        """
        now = {name: _state(self._root / name) for name in (_listed(self._top) if self._top else _walked(self._root))}
        self._refuse_large(sum(size for _mtime, size in now.values()))
        first = not self._target.exists()
        if first:
            self._begin()
        for name in self._seen.keys() - now.keys():
            (self._target / name).unlink(missing_ok=True)
        for name, state in now.items():
            if self._seen.get(name) != state:
                _copy(self._root / name, self._target / name)
        self._seen = now
        if first and not self._top:
            self._commit()
        return self._target

    def _begin(self) -> None:
        self._target.mkdir(mode=0o700, parents=True)
        if self._top is None:
            _git(self._target, "init", "--quiet")
            return
        # History comes along without its work tree; `--local` would link object files that a job could damage.
        _git(self._top, "clone", "--quiet", "--no-checkout", "--no-hardlinks", str(self._top), str(self._target))
        if _git(self._target, "rev-parse", "--verify", "--quiet", "HEAD", check=False):
            _git(self._target, "reset", "--quiet", "--mixed", "HEAD")

    def _commit(self) -> None:
        _git(self._target, "add", "--all")
        who = ("-c", "user.name=brignb", "-c", "user.email=brignb@localhost")
        _git(self._target, *who, "commit", "--quiet", "--allow-empty", "--message", "as it was when the run began")

    def _refuse_large(self, total: int) -> None:
        if total > self._limit:
            raise SourceError(
                "source_too_large",
                f"its files are {total // 1024 // 1024} MB, more than {self._limit // 1024 // 1024} MB; they are copied for jobs",
                where=str(self._root),
                hint="keep large files out of it, or name them in .gitignore, or give the job use_source=False",
            )


def _state(path: Path) -> tuple[int, int]:
    """What tells that a file was changed."""
    stat = path.lstat()
    return stat.st_mtime_ns, stat.st_size


def _top(start: Path) -> Path | None:
    out = _git(start, "rev-parse", "--show-toplevel", check=False).strip()
    return Path(out) if out else None


def _listed(top: Path) -> list[str]:
    out = _git(top, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    return [
        name for name in dict.fromkeys(out.split("\0")) if name and (top / name).is_symlink() | (top / name).is_file()
    ]


def _walked(start: Path) -> list[str]:
    found: list[str] = []
    for folder, folders, files in os.walk(start):
        folders[:] = [name for name in folders if name not in {".git", ".ipynb_checkpoints", "__pycache__", ".venv"}]
        found += [str((Path(folder) / name).relative_to(start)) for name in files]
    return [name for name in found if (start / name).is_symlink() | (start / name).is_file()]


def _copy(source: Path, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        shutil.copy2(source, target, follow_symlinks=False)
    except OSError as error:
        raise SourceError("source_copy", f"cannot be copied: {error.strerror}", where=str(source)) from error


def _git(folder: Path, *args: str, check: bool = True) -> str:
    try:
        done = subprocess.run(["git", "-C", str(folder), *args], capture_output=True, check=False)
    except FileNotFoundError:
        if not check:
            return ""
        raise SourceError("source_copy", "git is not installed", hint="install git") from None
    if done.returncode and check:
        words = done.stderr.decode("utf-8", "replace").strip()
        raise SourceError("source_copy", f"git {args[0]}: {words}", where=str(folder))
    return "" if done.returncode else done.stdout.decode("utf-8", "surrogateescape")
