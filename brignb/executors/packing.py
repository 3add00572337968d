"""Folders as one tar, in chunks, for another machine. Owners stay here, and so do sockets and the like."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

END: Final = bytes(tarfile.RECORDSIZE)
"""A tar's end, or a tar without files."""


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
                tar.add(path, path.relative_to(folder), recursive=False, filter=_plain)
                if data := buffer.getvalue():
                    buffer.seek(0)
                    buffer.truncate()
                    yield data


def _all(path: Path) -> Iterator[Path]:
    yield path
    if path.is_dir() and not path.is_symlink():
        for inner in sorted(path.iterdir()):
            yield from _all(inner)


def _plain(found: tarfile.TarInfo) -> tarfile.TarInfo | None:
    found.uid = found.gid = 0
    found.uname = found.gname = ""
    return found if found.isreg() or found.isdir() or found.issym() or found.islnk() else None
