"""A commit's work tree as one file, for somebody who has no access to the repository: a tar archive, `.git` and all; packed, unpacked.

Owners are left out, times stay: the tree's index trusts sizes and times, so that git knows the unpacked tree for unchanged at once.
"""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import IO

from brignb import tars


def pack(folder: Path, file: IO[bytes]) -> None:
    """Write a held tree's archive; in any thread.

    Raises:
        OSError: The disk refuses.
    """
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.add(folder, arcname=".", filter=tars.anonymous)


def unpack(file: IO[bytes], folder: Path, *, links: bool = True) -> None:
    """Write its files; in any thread. Nothing is written outside of the folder.

    Args:
        file: An archive.
        folder: Made when it is not there.
        links: Whether they may lead anywhere: those of a work tree are its author's. A job's may not.

    Raises:
        OSError: The disk refuses.
        tarfile.TarError: It is none, or it wants to leave the folder.
    """
    file.seek(0)
    with tarfile.open(fileobj=file, mode="r:") as archive:
        tars.unpack(archive, folder, links=links)
