"""What jobs left for others, as one file for each job: `<builds>/<build id>/artifacts/<job id>/…`, which the end of a build has put there.

Its worker could write there too, so that nothing is trusted: no link is followed, and only plain files are taken.
"""

from __future__ import annotations

import os
import stat
import tarfile
from pathlib import Path, PurePosixPath
from typing import IO, Final

from brignb.archive.paths import entered
from brignb.model.names import is_id, is_job_id

_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def pack_artifacts(builds: Path, build_id: str, job_id: str, file: IO[bytes]) -> bool:
    """Write a tar archive of them; False when nothing is kept.

    Raises:
        OSError: The disk refuses.
    """
    if not (is_id(build_id) and is_job_id(job_id)):
        return False
    try:
        with (
            entered(builds, (build_id, "artifacts", job_id)) as top,
            tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            for folder, _folders, names, at in os.fwalk(".", dir_fd=top):
                for name in sorted(names):
                    _add(archive, str(PurePosixPath(folder, name)), name, at)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _add(archive: tarfile.TarFile, path: str, name: str, at: int) -> None:
    try:
        descriptor = os.open(name, _READ, dir_fd=at)
    except OSError:  # a link
        return
    with os.fdopen(descriptor, "rb") as content:
        facts = os.fstat(descriptor)
        if stat.S_ISREG(facts.st_mode):
            member = tarfile.TarInfo(path)
            member.size, member.mode, member.mtime = facts.st_size, stat.S_IMODE(facts.st_mode), facts.st_mtime
            archive.addfile(member, content)
