"""The system calls that Python 3.11 has no names for, with their errors as `OSError`.

Numbers are those of `include/uapi/asm-generic/unistd.h`, which all architectures share for calls of Linux 5.2 and later. Importing
this module calls nothing, so that it can be imported on any machine.
"""

from __future__ import annotations

import ctypes
import os
import struct
from pathlib import Path
from typing import Final

NEW_MOUNTS: Final = 0x00020000
NEW_USERS: Final = 0x10000000
NEW_PROCESSES: Final = 0x20000000

_OPEN_TREE: Final = 428
_MOVE_MOUNT: Final = 429
_AT_FDCWD: Final = -100
_TREE_CLONE: Final = 1
_TREE_RECURSIVE: Final = 0x8000
_FROM_EMPTY_PATH: Final = 0x4

_RECURSIVE: Final = 0x4000
_PRIVATE: Final = 1 << 18
_NOSUID: Final = 2
_NODEV: Final = 4

_DEATH_SIGNAL: Final = 1
_NO_NEW_PRIVILEGES: Final = 38
_AMBIENT: Final = 47
_AMBIENT_RAISE: Final = 2
_CAPABILITY_VERSION_3: Final = 0x20080522

_libc: Final = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def unshare(flags: int) -> None:
    """Leave shared namespaces (unshare(2))."""
    _checked(_libc.unshare(flags), "unshare")


def enter_processes(namespace: int) -> None:
    """Have the next children born in a process namespace, given by a descriptor (setns(2))."""
    _checked(_libc.setns(namespace, NEW_PROCESSES), "setns")


def die_with_parent(signal: int) -> None:
    """Get a signal when the thread that forked us ends (PR_SET_PDEATHSIG)."""
    _checked(_libc.prctl(_DEATH_SIGNAL, signal, 0, 0, 0), "prctl")


def keep_mounts_to_ourselves() -> None:
    """No mount of this namespace is seen in another one, nor the other way round."""
    _mount(None, "/", None, _RECURSIVE | _PRIVATE)


def mount_proc() -> None:
    """A `/proc` of this process namespace."""
    _mount("proc", "/proc", "proc", _NOSUID | _NODEV)


def mount_tmpfs(folder: Path | str, options: str = "mode=755") -> None:
    """An empty folder in memory."""
    _mount("tmpfs", str(folder), "tmpfs", _NOSUID | _NODEV, options)


def mount_overlay(folder: Path | str, *, lower: Path, layer: Path) -> None:
    """A writable view of `lower`: what is written goes into `layer`, which is empty or not there yet.

    It is mounted `volatile`: nothing in it has to survive a crash, and unmounting it would otherwise wait for the disk. `userxattr`
    is what a user namespace needs, and serves root as well (`Documentation/filesystems/overlayfs.rst`).
    """
    upper, work = layer / "upper", layer / "work"
    for part in (upper, work):
        part.mkdir(mode=0o700, parents=True)
    upper.chmod(0o755)
    parts = (f"{key}={_escaped(path)}" for key, path in (("lowerdir", lower), ("upperdir", upper), ("workdir", work)))
    _mount("overlay", str(folder), "overlay", _NODEV, ",".join([*parts, "userxattr", "volatile"]))


def _escaped(path: Path) -> str:
    return "".join(f"\\{c}" if c in "\\,:" else c for c in str(path))


def _mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind, options)]
    result = _libc.mount(words[0], words[1], words[2], ctypes.c_ulong(flags), words[3])
    _checked(result, f"mount {kind or 'private'} on {target}")


def detached(folder: Path) -> int:
    """A descriptor of a folder as a mount that stands nowhere yet (open_tree(2)); `attach` gives it a place."""
    flags = _TREE_CLONE | _TREE_RECURSIVE | os.O_CLOEXEC
    return _checked(
        _libc.syscall(ctypes.c_long(_OPEN_TREE), ctypes.c_int(_AT_FDCWD), os.fsencode(folder), ctypes.c_uint(flags)),
        f"open_tree {folder}",
    )


def attach(tree: int, folder: Path) -> None:
    """Put what `detached` gave onto a folder, made when it is not there; the descriptor is closed (move_mount(2))."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        result = _libc.syscall(
            ctypes.c_long(_MOVE_MOUNT),
            ctypes.c_int(tree),
            b"",
            ctypes.c_int(_AT_FDCWD),
            os.fsencode(folder),
            ctypes.c_uint(_FROM_EMPTY_PATH),
        )
        _checked(result, f"move_mount {folder}")
    finally:
        os.close(tree)


def be_the_same_user() -> None:
    """User and mount namespaces of our own, in which we are who we were. Only a process without threads can."""
    user, group = os.geteuid(), os.getegid()
    unshare(NEW_USERS | NEW_MOUNTS)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        Path(f"/proc/self/{name}").write_text(text)


def keep_capabilities() -> None:
    """What we may do, the programs that we execute may do too: a user's would lose it (capabilities(7), ambient set)."""
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    sets = ctypes.create_string_buffer(24)
    _checked(_libc.capget(header, sets), "capget")
    _, low, _, _, high, _ = struct.unpack("6I", sets.raw)
    permitted = (low, high)
    words = [word for part in permitted for word in (part, part, part)]
    _checked(_libc.capset(header, struct.pack("6I", *words)), "capset")
    for number in (n for n in range(64) if permitted[n // 32] >> n % 32 & 1):
        _checked(_libc.prctl(_AMBIENT, _AMBIENT_RAISE, number, 0, 0), "prctl")


def drop_capabilities() -> None:
    """Keep none, and gain none by executing anything (capset(2), PR_SET_NO_NEW_PRIVS)."""
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    _checked(_libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0), "prctl")
    _checked(_libc.capset(header, bytes(24)), "capset")
