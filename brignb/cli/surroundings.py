"""What `brignb init` finds out about the place it is called in: is there a git repository, and what is it called?"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_OWNER_REPO: Final = re.compile(r"[/:](?P<owner>[A-Za-z0-9_.-]+)/(?P<repo>[A-Za-z0-9_.-]+?)(?:\.git)?/?\Z")
_CREDENTIALS: Final = re.compile(r"(?<=://)[^/@]*@")


@dataclass(frozen=True, slots=True)
class Place:
    """A folder, as a project would name it.

    Args:
        project: `owner/repo`.
        clone_url: For git; of this machine when the repository has no other.
        in_git: Whether the folder is in a git work tree.
        within: The folder, from the top of its repository; `.` at the top.
    """

    project: str
    clone_url: str
    in_git: bool
    within: str = "."


def look_around(folder: Path) -> Place:
    """Name a folder's project: after the repository's `origin`, else after the folder."""
    nearest = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.is_dir())
    top = _git(nearest, "rev-parse", "--show-toplevel")
    prefix = _git(nearest, "rev-parse", "--show-prefix") if top else None
    within = (Path(prefix or "") / folder.absolute().relative_to(nearest)).as_posix() if top else "."
    origin = _git(nearest, "remote", "get-url", "origin") if top else None
    if origin and (found := _OWNER_REPO.search(origin)):
        # a password in the URL is git's business; it has no place in a file
        return Place(f"{found['owner']}/{found['repo']}", _CREDENTIALS.sub("", origin), in_git=True, within=within)
    root = Path(top) if top else folder.absolute()
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", root.name).strip("-.") or "pipeline"
    return Place(f"local/{name}", root.as_uri(), in_git=bool(top), within=within)


def _git(folder: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", folder, *words], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
