"""A commit's work tree as one file, for somebody who has no access to the repository: a tar archive, `.git` and all.

Owners are left out, times stay: the tree's index trusts sizes and times, so that git knows the unpacked tree for unchanged at once.
"""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import IO


def pack(folder: Path, file: IO[bytes]) -> None:
    """Write a held tree's archive; in any thread.

    Raises:
        OSError: The disk refuses.
    """
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.add(folder, arcname=".", filter=_anonymous)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member
