"""The Archive seam: append to a stream of a build, read it from a cursor, put and get its record.

A build has streams of bytes, told apart by name: `worker` (its log), a job's id (the job's log), `journal` (the engine's), and
whole documents: `worker.ipynb`, `record.ipynb`. Cursors are byte offsets. A stream has one writer at a time. Appending names its
offset, so that one that is repeated after a lost answer changes nothing.

What was appended outlives its writer's death; a document outlives the machine's. A writer that was killed in the middle of an append
may leave a torn last line: the next one asks `size`, reads the last byte and, unless it is a newline, appends one first.

Every implementation passes `tests/contract/test_archive.py`. Methods are synchronous: a worker and a job's pump call them, and
each is one short write or read.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

WORKER = "worker"
JOURNAL = "journal"
WORKER_NOTEBOOK = "worker.ipynb"
RECORD = "record.ipynb"


class Archive(Protocol):
    """See the module. Build ids and stream names are checked: no path leaves the build's place."""

    def append(self, build_id: str, stream: str, offset: int, data: bytes) -> int:
        """Write `data` at `offset` and answer the stream's new size. What is there already is not written again.

        Raises:
            BadInput: The offset lies beyond the stream's end, or what is there already differs. Nothing was written.
            Unavailable: The disk is full or gone.
        """

    def read(self, build_id: str, stream: str, offset: int = 0, limit: int | None = None) -> bytes:
        """Bytes from `offset` on, at most `limit`; empty at the end and for a stream that is not there."""

    def size(self, build_id: str, stream: str) -> int:
        """Of a stream; 0 when it is not there."""

    def put(self, build_id: str, name: str, data: bytes, *, durable: bool = True) -> None:
        """Put a whole document, at once or not at all.

        Args:
            build_id: The build.
            name: `WORKER_NOTEBOOK` or `RECORD`.
            data: All of it.
            durable: Whether it must outlive a power cut, not only this process.

        Raises:
            Unavailable: The disk is full or gone.
        """

    def get(self, build_id: str, name: str) -> bytes | None:
        """A whole document; None when it is not there."""

    def spill(self, build_id: str, name: str, data: bytes) -> str:
        """Append to a side file for what did not fit into the record; answers how the record names it, a path relative to it.

        Raises:
            BadInput: The name is none for a file: letters, digits, `.`, `_`, `-`, at most 100.
            Unavailable: The disk is full or gone.
        """

    def side_size(self, build_id: str, name: str) -> int:
        """Bytes of a side file; 0 when it is not there."""

    def keep(self, build_id: str, name: str, pieces: Iterable[bytes]) -> None:
        """Put a whole side file, at once or not at all, in place of one of that name.

        Raises:
            BadInput: See `spill`.
            Unavailable: The disk is full or gone.
        """

    def builds(self) -> tuple[str, ...]:
        """Ids of the builds that something is kept of."""

    def forget(self, build_ids: Iterable[str]) -> None:
        """Take everything of these builds away."""

    def quick(self, build_id: str) -> bool:
        """Whether reading this build now is as quick as a file, so that an event loop may do it."""


def whole(archive: Archive, build_id: str, stream: str) -> int:
    """Where a stream's next writer begins: its size, after the torn last line of a killed one was ended."""
    size = archive.size(build_id, stream)
    if size and archive.read(build_id, stream, size - 1, 1) != b"\n":
        size = archive.append(build_id, stream, size, b"\n")
    return size
