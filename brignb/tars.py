"""Folders as tars, for another machine, and back. Owners stay where they are; sockets, devices and the like do not travel.

What must never happen: a file outside of the folder that is unpacked into. Who made an archive is not trusted. (`tarfile`'s own filters came
with Python 3.11.4, and distributions have older ones.)
"""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

END: Final = bytes(tarfile.RECORDSIZE)
"""A tar's end, or a tar without files."""
_OTHERS_WRITE: Final = 0o022


def packed(folders: Sequence[Path]) -> Iterator[bytes]:
    """What is in them, one after the other, so that a later one's files take the place of an earlier one's; without the tar's `END`.

    Raises:
        OSError: A file cannot be read.
    """
    buffer = io.BytesIO()
    tar = tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT)  # noqa: SIM115 - closing would write its end
    for folder in folders:
        for top in sorted(folder.iterdir()) if folder.is_dir() else ():
            for path in _all(top):
                tar.add(path, path.relative_to(folder), recursive=False, filter=anonymous)
                if data := buffer.getvalue():
                    buffer.seek(0)
                    buffer.truncate()
                    yield data


def anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """A member without its owner; None: it is neither a file, a folder nor a link."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member if member.isreg() or member.isdir() or member.issym() or member.islnk() else None


def unpack(tar: tarfile.TarFile, folder: Path, *, links: bool = False, strict: bool = True) -> None:
    """Write what is in it.

    Args:
        tar: Opened.
        folder: Made when it is not there.
        links: Whether symbolic links may lead anywhere; nothing is written through them.
        strict: Whether a member that may not be written is an error; else it is left out.

    Raises:
        OSError: The disk refuses.
        tarfile.TarError: It is damaged, or wants to leave the folder.
    """
    trusted: dict[str, Any] = {"filter": "fully_trusted"} if hasattr(tarfile, "data_filter") else {}
    tar.extractall(folder, members=_harmless(tar, folder, links=links, strict=strict), **trusted)  # noqa: S202 - each was looked at


def _harmless(tar: tarfile.TarFile, folder: Path, *, links: bool, strict: bool) -> Iterator[tarfile.TarInfo]:
    """Each member, looked at when all before it are on the disk."""
    root = Path(os.path.realpath(folder))
    for member in tar:
        if _stays(member, root, links=links):
            member.mode &= ~_OTHERS_WRITE
            member.uid, member.gid, member.uname, member.gname = os.geteuid(), os.getegid(), "", ""
            yield member
        elif strict:
            raise tarfile.TarError(f"{member.name!r:.200} is no file, or leads out of the folder")


def _stays(member: tarfile.TarInfo, root: Path, *, links: bool) -> bool:
    target = root / member.name
    if member.issym():
        leads = links or _within(target.parent / member.linkname, root)
        return leads and _within(target.parent, root) and target != root
    if member.islnk():
        return _within(root / member.linkname, root) and _within(target, root)
    return (member.isreg() or member.isdir()) and _within(target, root)


def _within(place: Path, root: Path) -> bool:
    return Path(os.path.realpath(place)).is_relative_to(root)


def _all(path: Path) -> Iterator[Path]:
    yield path
    if path.is_dir() and not path.is_symlink():
        for inner in sorted(path.iterdir()):
            yield from _all(inner)
