"""Opening files below a folder whose content is not trusted: a worker may put a link, a pipe or a device where a log should be.

Each folder on the way is opened from the one above it, without following links, and only plain files are opened.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_ENTER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # without O_NONBLOCK a pipe would hold us up


@contextmanager
def entered(base: Path, parts: tuple[str, ...], *, make: bool = False) -> Iterator[int]:
    """A descriptor of the folder `base/parts…`.

    Args:
        base: A trusted folder.
        parts: Names of the folders below it.
        make: Make those that are not there, mode 0700.

    Raises:
        OSError: It is not there, or something on the way is no folder.
    """
    if make:
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
    at = os.open(base, _ENTER & ~os.O_NOFOLLOW)
    try:
        for part in parts:
            above, at = at, _below(at, part, make=make)
            os.close(above)
        yield at
    finally:
        os.close(at)


@contextmanager
def opened(base: Path, parts: tuple[str, ...], flags: int) -> Iterator[int]:
    """A descriptor of the plain file `base/parts…`; with O_CREAT in `flags` it is made with its folders, mode 0600.

    Raises:
        OSError: It is not there, or it is no plain file.
    """
    with entered(base, parts[:-1], make=bool(flags & os.O_CREAT)) as folder:
        file = os.open(parts[-1], _OPEN | flags, 0o600, dir_fd=folder)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise OSError(errno.EINVAL, "it is no plain file")
        yield file
    finally:
        os.close(file)


def _below(folder: int, name: str, *, make: bool) -> int:
    try:
        return os.open(name, _ENTER, dir_fd=folder)
    except FileNotFoundError:
        if not make:
            raise
    try:
        os.mkdir(name, 0o700, dir_fd=folder)
    except FileExistsError:  # somebody else made it just now
        return os.open(name, _ENTER, dir_fd=folder)
    return os.open(name, _ENTER, dir_fd=folder)
