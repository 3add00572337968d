"""An archive in two places: what a build writes while it runs is near, in files; once it has ended it is moved far, to a database.

    worker, server ──append──▶ near ──settle, once the build has ended──▶ far
                    reads: near while the build is there, else far

So a running build's logs are as quick as files and do not mind a database that is away, no worker needs a credential of the
database, and what has ended outlives the machine. A move that was cut off begins anew: near stays what is read until far is whole.

What must never happen: a build that is in neither place; a move of a build that still runs.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO, Final, Protocol

from brignb.archive import names
from brignb.archive.files import FileArchive
from brignb.archive.seam import RECORD, WORKER_NOTEBOOK, Archive
from brignb.model.names import is_id, is_job_id

log = logging.getLogger(__name__)

PIECE: Final = 1 << 20
"""Bytes that are moved at once."""
MOST: Final = 256 << 20
"""Bytes of a stream that are moved: a worker writes its files itself, and may have made one without an end."""


class Far(Archive, Protocol):
    """An archive whose side files can be read back."""

    def side_file(self, build_id: str, name: str, *, piece: int, most: int) -> Iterator[bytes]:
        """One, piece by piece, up to `most` bytes; nothing, when it is not there."""


class TwoPlaces:
    """See the module, and `seam.Archive` for the methods.

    Args:
        near: On this machine.
        far: In the database.
    """

    def __init__(self, near: FileArchive, far: Far) -> None:
        self._near = near
        self._far = far

    def append(self, build_id: str, stream: str, offset: int, data: bytes) -> int:
        """Near; see the seam."""
        return self._near.append(build_id, stream, offset, data)

    def read(self, build_id: str, stream: str, offset: int = 0, limit: int | None = None) -> bytes:
        """Bytes from `offset` on; see the seam."""
        found = self._near.read(build_id, stream, offset, limit)
        if found or self._near.has(build_id):  # asked in this order: far is whole before near goes
            return found
        return self._far.read(build_id, stream, offset, limit)

    def size(self, build_id: str, stream: str) -> int:
        """Of a stream; 0 when it is not there."""
        found = self._near.size(build_id, stream)
        return found if found or self._near.has(build_id) else self._far.size(build_id, stream)

    def put(self, build_id: str, name: str, data: bytes, *, durable: bool = True) -> None:
        """Near; see the seam."""
        self._near.put(build_id, name, data, durable=durable)

    def get(self, build_id: str, name: str) -> bytes | None:
        """A whole document; None when it is not there."""
        found = self._near.get(build_id, name)
        return found if found is not None or self._near.has(build_id) else self._far.get(build_id, name)

    def spill(self, build_id: str, name: str, data: bytes) -> str:
        """Near; see the seam."""
        return self._near.spill(build_id, name, data)

    def side_size(self, build_id: str, name: str) -> int:
        """Bytes of a side file; 0 when it is not there."""
        found = self._near.side_size(build_id, name)
        return found if found or self._near.has(build_id) else self._far.side_size(build_id, name)

    def keep(self, build_id: str, name: str, pieces: Iterable[bytes]) -> None:
        """Near; see the seam."""
        self._near.keep(build_id, name, pieces)

    def builds(self) -> tuple[str, ...]:
        """Ids of the builds that something is kept of, in either place."""
        return tuple(sorted({*self._near.builds(), *self._far.builds()}))

    def forget(self, build_ids: Iterable[str]) -> None:
        """Take everything of these builds away, in both places."""
        going = list(build_ids)
        self._far.forget(going)
        self._near.forget(going)

    def artifacts(self, build_id: str, job_id: str, file: IO[bytes]) -> bool:
        """Write a tar archive of what a job left for others; False when nothing is kept."""
        if not (is_id(build_id) and is_job_id(job_id)):
            return False
        if self._near.artifacts(build_id, job_id, file) or self._near.has(build_id):
            return file.tell() > 0
        for piece in self._far.side_file(build_id, names.artifacts(job_id), piece=PIECE, most=MOST):
            file.write(piece)
        return file.tell() > 0

    def quick(self, build_id: str) -> bool:
        """Whether reading it waits for no network."""
        return self._near.has(build_id)

    def unsettled(self) -> tuple[str, ...]:
        """Ids of the builds that are near: they run, or have just ended."""
        return self._near.builds()

    def settle(self, build_id: str) -> None:
        """Move a build that has ended; nothing, when it was moved.

        Raises:
            Unavailable: One of the places cannot be used; it is where it was.
        """
        if self._near.has(build_id):
            self._far.forget([build_id])
            for stream in self._near.streams(build_id):
                self._move(build_id, stream)
            for name in (WORKER_NOTEBOOK, RECORD):
                if (document := self._near.get(build_id, name)) is not None:
                    self._far.put(build_id, name, document)
            for name in self._near.side_files(build_id):
                for piece in self._near.side_file(build_id, name, piece=PIECE, most=MOST):
                    self._far.spill(build_id, name, piece)
            for job_id in self._near.leavers(build_id):
                self._pack(build_id, job_id)
        self._near.forget([build_id])

    def _move(self, build_id: str, stream: str) -> None:
        at = 0
        while piece := self._near.read(build_id, stream, at, min(PIECE, MOST - at)):
            at = self._far.append(build_id, stream, at, piece)
        if at == MOST:
            log.warning("build %s: of its stream %s only %d bytes are kept", build_id, stream, MOST)

    def _pack(self, build_id: str, job_id: str) -> None:
        with tempfile.TemporaryFile() as file:
            self._near.artifacts(build_id, job_id, file)
            if file.tell() > MOST:
                log.warning("build %s: what its job %s has left is too much, and is not kept", build_id, job_id)
                return
            file.seek(0)
            while piece := file.read(PIECE):
                self._far.spill(build_id, names.artifacts(job_id), piece)
