"""A private copy of a work tree: for machines and tiers without overlays.

Modes, times and links come along, as with `cp -a`; contents are cloned by the file system where it can (`copy_file_range`). No file is
shared by a hard link, so that a job can damage only its own.
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import threading
from pathlib import Path
from typing import Final

from brignb.errors import SourceError

_CHUNK: Final = 1 << 30
_CANNOT: Final = frozenset({errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.EPERM})
"""Errors of kernels and file systems that have no `copy_file_range` (`man 2 copy_file_range`)."""


class _Stopped(Exception):
    """Nobody waits for the copy any more."""


async def copy_tree(tree: Path, folder: Path) -> None:
    """Copy a tree; `folder` is empty or not there. Canceled, it has stopped when the cancellation comes out.

    Raises:
        SourceError: `no_source`: the disk refuses.
    """
    stop = threading.Event()

    def copy_one(source: str, target: str) -> str:
        if stop.is_set():
            raise _Stopped
        _copy(source, target)
        return target

    copying = asyncio.ensure_future(
        asyncio.to_thread(shutil.copytree, tree, folder, symlinks=True, copy_function=copy_one, dirs_exist_ok=True)
    )
    try:
        await asyncio.shield(copying)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait({copying})
        copying.exception()
        raise
    except OSError as error:
        first = error.args[0][0][2] if isinstance(error, shutil.Error) else error.strerror
        raise SourceError("no_source", f"the source cannot be copied: {first}", where=str(folder)) from error


def _copy(source: str, target: str) -> None:
    if not hasattr(os, "copy_file_range") or not _cloned(source, target):
        shutil.copyfile(source, target)
    shutil.copystat(source, target)


def _cloned(source: str, target: str) -> bool:
    """Copy within the kernel, which shares blocks where the file system can; False when it cannot copy at all."""
    done = 0
    with open(source, "rb") as reading, open(target, "wb") as writing:  # noqa: PTH123 - one of very many
        try:
            while count := os.copy_file_range(reading.fileno(), writing.fileno(), _CHUNK):
                done += count
        except OSError as error:
            if done or error.errno not in _CANNOT:
                raise
            return False
    return True
