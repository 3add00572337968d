"""Bubblewrap: a program in its own mount and process tree, on this machine's own files.

The sandbox's root is built from the machine's top folders, each read-only, because `/src` cannot be made in a read-only `/`. On top of
it come a minimal `/dev`, a `/proc` of its own, a private `/tmp`, what is hidden, and the binds. Where two overlap, the deeper path
wins: the build's own folder can be bound below a home that is hidden. The Python that runs us stays in sight, wherever it is
installed: in a clone below `/tmp` too.

Worker and job use it, one inside the other. Run by a user, bubblewrap takes a user namespace, inside which no mount can be undone. Run
by root it takes none (a nested one could not mount `/proc` then) and capabilities stay: see `caveat`. Jobs start no sandbox
themselves, so they get `JOB_CAPABILITIES` only.

What must never happen: a secret in bubblewrap's arguments (`ps` shows them to everybody). Environments are not its business here.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TRIES: Final = 5
"""How often a sandbox is made, see `unmade`."""
PROGRAM: Final = "bwrap"

JOB_CAPABILITIES: Final = (
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_NET_BIND_SERVICE",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
    "CAP_SYS_CHROOT",
)
"""What root keeps in a job: Docker's default set without making devices, raw sockets and writing the audit log."""

_DAEMONS: Final = ("/run/docker.sock", "/run/podman", "/run/containerd", "/run/crio")
"""Doors out of any sandbox; nobody is given them by accident."""

_PYTHON: Final = tuple({Path(sys.prefix), Path(sys.base_prefix), Path(__file__).parents[1]})
"""The environment, the interpreter that it was made from, and our own package (in a checkout it is outside of both)."""


@dataclass(frozen=True, slots=True)
class Bind:
    """A file or folder of this machine, seen at `target`."""

    source: Path
    target: Path
    writable: bool = False


def wrap(
    argv: Sequence[str],
    *,
    binds: Sequence[Bind] = (),
    hidden: Sequence[Path] = (),
    cwd: Path | None = None,
    tmpfs: Sequence[Path] = (Path("/tmp"),),  # noqa: S108 - the sandbox's own, not the machine's
    capabilities: Sequence[str] | None = None,
    die_with_parent: bool = True,
    unshare_pid: bool = True,
    ours: bool = False,
) -> list[str]:
    """The command line that runs `argv` in a sandbox; open file descriptors and the environment go through.

    Args:
        argv: Program and arguments, as seen inside.
        binds: What it sees besides the machine; the only places it can write to.
        hidden: Folders of the machine that it sees empty, and files that it cannot open.
        cwd: Where it starts, as seen inside.
        tmpfs: Empty folders in memory.
        capabilities: What root keeps; None keeps everything. A user has none in any case.
        die_with_parent: Kill everything inside when the thread that starts the sandbox ends.
        unshare_pid: Give it a process tree of its own: when its first process ends, all do.
        ours: It is a program of ours that sets up sandboxes itself: run by a user, it keeps the capabilities for that inside.

    Raises:
        ValueError: A path or an argument holds a NUL.
    """
    flags = options(
        binds=binds,
        hidden=hidden,
        cwd=cwd,
        tmpfs=tmpfs,
        capabilities=capabilities,
        die_with_parent=die_with_parent,
        unshare_pid=unshare_pid,
        ours=ours,
    )
    return [PROGRAM, *flags, "--", *argv]


def options(
    *,
    binds: Sequence[Bind] = (),
    hidden: Sequence[Path] = (),
    cwd: Path | None = None,
    tmpfs: Sequence[Path] = (Path("/tmp"),),  # noqa: S108 - the sandbox's own, not the machine's
    capabilities: Sequence[str] | None = None,
    die_with_parent: bool = True,
    unshare_pid: bool = True,
    ours: bool = False,
) -> list[str]:
    """Bubblewrap's options of `wrap`, alone: they may also be read from a descriptor (`--args`)."""
    flags = ["--new-session"]  # without a terminal of its own, nothing inside can type into ours (CVE-2017-5226)
    flags += ["--die-with-parent"] if die_with_parent else []
    flags += ["--unshare-pid"] if unshare_pid else []
    if capabilities is not None and os.geteuid() == 0:
        flags += ["--cap-drop", "ALL", *(word for name in capabilities for word in ("--cap-add", name))]
    flags += ["--cap-add", "ALL"] if ours and os.geteuid() != 0 else []
    flags += _mounts(binds, hidden, tmpfs)
    flags += ["--chdir", str(cwd)] if cwd else []
    if any("\0" in flag for flag in flags):
        raise ValueError("a path of the sandbox holds a NUL")
    return flags


def unmade(said: str) -> bool:
    """Whether bubblewrap gave up before it ran anything, by its last words, since a mount of the machine's went away under it.

    It binds folders with all that is mounted below them, and then looks at each of these mounts again; those of containers that
    other people start and end on the machine come and go (seen with bubblewrap 0.8 beside containerd). The same sandbox can be
    made again, `TRIES` times.
    """
    return "Unable to apply mount flags" in said


@functools.cache
def why_not() -> str | None:
    """Why there is no sandbox on this machine, in a sentence; None when there is one. Tried once per process."""
    try:
        for _ in range(TRIES):
            done = subprocess.run(
                wrap(["/bin/sh", "-c", "exit 0"], cwd=Path("/")),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=20,
                check=False,
            )
            if not unmade(done.stderr.decode("utf-8", "replace")):
                break
    except FileNotFoundError:
        return "bubblewrap (bwrap) is not installed"
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bubblewrap cannot be run: {error}"
    if done.returncode == 0:
        return None
    said = done.stderr.decode("utf-8", "replace").strip().removeprefix(f"{PROGRAM}: ")
    return f"bubblewrap does not work here: {said or f'it ended with exit code {done.returncode}'}"


def caveat() -> str | None:
    """What the sandbox does not hold against, in a sentence; None when it holds."""
    if os.geteuid() == 0:
        return "brignb runs as root, and root can leave its sandbox; run it as a user of its own"
    return None


def python_below(folder: Path) -> tuple[Path, ...]:
    """What must stay in sight of a folder that gets hidden: the Python that runs us, if it lies there."""
    return tuple(place for place in _PYTHON if _below(place, [folder]))


def _mounts(binds: Sequence[Bind], hidden: Sequence[Path], tmpfs: Sequence[Path]) -> list[str]:
    """All mounts, parents before what lies in them; of two for one place the later one counts."""
    at = _entries(Path("/"))
    at[Path("/dev")] = ["--dev", "/dev"]
    at[Path("/proc")] = ["--proc", "/proc"]
    for folder in tmpfs:
        at[folder] = ["--tmpfs", str(folder)]
    own = {*tmpfs, Path("/dev"), Path("/proc"), *(bind.target for bind in binds if bind.source != bind.target)}
    python = [place for place in _PYTHON if _below(place, {*own, *hidden})]
    for place in (*hidden, *(Path(door) for door in _DAEMONS)):
        if not _below(place, own) or _below(place, python):
            at |= _nothing(place.resolve())
    own |= {place for place, flags in at.items() if flags[0] == "--tmpfs"}
    for bind in (*(Bind(place, place) for place in python), *binds):
        target = bind.target.resolve()
        if not _below(target, own) and (crowded := _without_room_for(target)):
            at = {**_entries(crowded), **at, crowded: ["--tmpfs", str(crowded)]}
        at[target] = ["--bind" if bind.writable else "--ro-bind", str(bind.source.resolve()), str(target)]
    return [flag for _, flags in sorted(at.items(), key=lambda mount: len(mount[0].parts)) for flag in flags]


def _as_it_is(entry: os.DirEntry[str]) -> dict[Path, list[str]]:
    """One of the machine's folders or files, read-only; a link stays one. It may be gone before bubblewrap looks."""
    place = Path(entry.path)
    if entry.is_symlink():
        return {place: ["--symlink", str(place.readlink()), entry.path]}
    return {place: ["--ro-bind-try", entry.path, entry.path]}


def _nothing(place: Path) -> dict[Path, list[str]]:
    """An empty folder in a folder's place; in a file's, a device, which cannot be opened there."""
    if place.is_dir():
        return {place: ["--tmpfs", str(place)]}
    return {place: ["--ro-bind", os.devnull, str(place)]} if place.exists() else {}


def _below(place: Path, folders: Iterable[Path]) -> bool:
    return any(place != folder and place.is_relative_to(folder) for folder in folders)


def _without_room_for(target: Path) -> Path | None:
    """The read-only folder in which bubblewrap would have to make a missing `target`; none for a new top folder."""
    if target.exists():
        return None
    nearest = next(parent for parent in target.parents if parent.exists())
    return None if nearest == Path("/") else nearest


def _entries(folder: Path) -> dict[Path, list[str]]:
    """All that is in one of the machine's folders, for an empty one in its place."""
    mounts: dict[Path, list[str]] = {}
    for entry in os.scandir(folder):
        mounts |= _as_it_is(entry)
    return mounts
