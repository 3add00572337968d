"""Artifacts: files of a job's working directory that its build keeps, and that later jobs are given.

Enters: globs (`dist/*.whl`, `**/report.xml`; `**` takes in folders below). Leaves: copies at the same relative paths. Folders are taken
with all that is in them.

What must never happen: a link or a `..` that takes a file from outside of the working directory, or puts one outside of the source.
Jobs write the folders that are read here, so nothing in them is trusted.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath


@dataclass(frozen=True, slots=True)
class Collected:
    """What was kept: relative paths, and a sentence for each thing that was not."""

    paths: tuple[str, ...]
    problems: tuple[str, ...]


def leaves(glob: str) -> bool:
    """Whether a glob names a place outside of the folder it is for, or nothing."""
    path = PurePosixPath(glob)
    return path.is_absolute() or ".." in path.parts or not path.parts


def collect(folder: Path, globs: Sequence[str], into: Path) -> Collected:
    """Copy what the globs name below `folder` to the same relative paths below `into`.

    Raises:
        OSError: The disk is full or gone.
    """
    root = folder.resolve()
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    paths: dict[str, None] = {}
    problems = []
    for glob in globs:
        found = list(_matches(root, glob))
        if not found:
            problems.append(f"artifacts: {glob} names nothing")
        for match in found:
            if not match.resolve().is_relative_to(root):
                problems.append(f"artifacts: {match.relative_to(root)} lies outside of the working directory")
            else:
                paths |= dict.fromkeys(_copy(match, root, into))
    return Collected(tuple(sorted(paths)), tuple(problems))


def bring(artifacts: Iterable[Path], into: Path) -> list[str]:
    """Copy all files of other jobs' artifact folders to the same relative paths below `into`.

    Returns:
        A sentence for each file that was not copied.

    Raises:
        OSError: The disk is full or gone, or a folder is in a file's place.
    """
    root = into.resolve()
    problems = []
    for folder in artifacts:
        for file in sorted(folder.rglob("*")):
            target = root / file.relative_to(folder)
            if file.is_dir():
                continue
            if not target.parent.resolve().is_relative_to(root):
                problems.append(f"inputs: {file.relative_to(folder)} would lie outside of the source")
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            shutil.copy2(file, target)
    return problems


def _matches(root: Path, glob: str) -> Iterator[Path]:
    """What a glob names, without what a link leads to on the way."""
    for match in sorted(root.glob(glob)):
        if match != root and (match.is_file() or match.is_dir()):
            yield match


def _copy(match: Path, root: Path, into: Path) -> Iterator[str]:
    """Copy a file, or all files of a folder; links to files within the folder become the file."""
    for file in [match] if match.is_file() else sorted(match.rglob("*")):
        if file.is_file() and file.resolve().is_relative_to(root):
            relative = file.relative_to(root)
            target = into / relative
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copy2(file, target)
            yield relative.as_posix()
