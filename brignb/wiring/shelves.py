"""Artifacts of jobs as pods, of builds whose workers are elsewhere: in the archive as soon as a job has succeeded.

    folder of a job ──▶ tar ──▶ the archive's side file ──▶ folder of another server's process, which starts the job that wants them

What must never happen: a file of another build's job, or one that leads out of its folder.
"""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from brignb.archive import names
from brignb.archive.seam import Archive
from brignb.tars import END, packed, unpack


@dataclass(frozen=True, slots=True)
class Shelf:
    """Of one build; implements `brignb.executors.kubernetes.files.Shelf`.

    Args:
        archive: Where they are kept.
        read: Writes a tar archive of what a job of a build left; False: nothing is kept.
    """

    archive: Archive
    read: Callable[[str, str, IO[bytes]], bool]
    build_id: str

    def keep(self, job_id: str, folder: Path) -> None:
        """What is in a job's folder.

        Raises:
            OSError: It cannot be read.
            Unavailable: The archive cannot be used.
        """
        self.archive.keep(self.build_id, names.artifacts(job_id), _whole(folder))

    def fetch(self, job_id: str, folder: Path) -> None:
        """Fill a folder with what a job has left; with nothing, if it has left nothing.

        Raises:
            OSError: It cannot be written.
            Unavailable: The archive cannot be used.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile() as file:
            if self.read(self.build_id, job_id, file):
                file.seek(0)
                with tarfile.open(fileobj=file) as tar:
                    unpack(tar, folder)


def _whole(folder: Path) -> Iterator[bytes]:
    yield from packed([folder])
    yield END
