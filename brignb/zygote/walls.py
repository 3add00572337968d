"""The walls of a room: a forked worker enters mount and process namespaces of its own before any user code.

    part (right after the fork) ──▶ furnish (once it knows its build) ──▶ lock

What stands is made in an order that counts: what is to stay in sight is taken hold of, then everything is hidden, then it is put back.
What must never happen: a folder of another build in sight, in between or afterwards; user code with a capability that it could undo
a mount with. (As root it has them: see `brignb.executors.sandbox.caveat`.)
"""

from __future__ import annotations

import os
import resource
from pathlib import Path
from typing import Final

from brignb.model.rooms import Room
from brignb.zygote import linux

SRC: Final = Path("/src")
_TMP: Final = Path("/tmp")  # noqa: S108 - each worker gets one of its own
_PID_MAX: Final = Path("/proc/sys/kernel/pid_max")
_PID_MAX_LEAST: Final = 302
"""The kernel keeps the first 300 numbers to itself once they were used."""
_OWN_PID_MAX: Final = (6, 14)
_SHM: Final = Path("/dev/shm")  # noqa: S108 - the same


def part() -> None:
    """Have mounts of our own, and see the processes of our own namespace only.

    A user's worker is in a user namespace of its own, too: what was mounted before cannot be undone there, and its processes are
    counted apart.

    Raises:
        OSError: The kernel refuses.
    """
    linux.unshare(linux.NEW_MOUNTS)
    linux.keep_mounts_to_ourselves()
    linux.mount_proc()
    if os.geteuid() != 0:
        linux.be_the_same_user()


def furnish(room: Room) -> None:
    """Mount what the room says; afterwards `/src` is the working directory.

    Raises:
        OSError: A folder is not there, or the kernel refuses.
    """
    if room.tree and room.layer:
        linux.mount_overlay(SRC, lower=Path(room.tree), layer=Path(room.layer))
        held = []
    else:
        held = [(linux.detached(Path(room.folder)), SRC)] if room.folder else []
    held += [(linux.detached(Path(place)), Path(place)) for place in (*room.kept, *room.own)]
    for folder in (_TMP, _SHM):
        linux.mount_tmpfs(folder, "mode=1777")
    for hidden in (Path(place) for place in room.hidden):
        if hidden.is_dir():  # below /tmp it is gone already
            linux.mount_tmpfs(hidden)
    for tree, place in held:
        linux.attach(tree, place)
    os.chdir(SRC)


def lock(room: Room) -> None:
    """Give up what could undo the walls, and take the limits."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if os.geteuid() == 0:
        if _counts_by_namespace():  # only root may write it; whom RLIMIT_NPROC does not bound
            _PID_MAX.write_text(str(max(room.processes, _PID_MAX_LEAST)))
    else:
        linux.drop_capabilities()
        resource.setrlimit(resource.RLIMIT_NPROC, (room.processes, room.processes))
    limit(room)


def _counts_by_namespace() -> bool:
    """Whether the largest process number is a process namespace's own (Linux 6.14); before, it was the machine's."""
    major, minor, *_ = os.uname().release.split(".")
    return (int(major), int(minor)) >= _OWN_PID_MAX


def limit(room: Room) -> None:
    """The memory that one process may have (RLIMIT_DATA counts what is written to, not what is only mapped)."""
    if room.memory is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (room.memory, room.memory))
