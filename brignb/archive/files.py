"""The archive as files, all below one folder.

    <builds>/<build id>/log                     stream `worker`
    <builds>/<build id>/journal                 stream `journal`
    <builds>/<build id>/jobs/<job id>/log       a job's stream
    <builds>/<build id>/{worker,record}.ipynb   documents
    <builds>/<build id>/spill/<name>            what did not fit into the record

Folders have mode 0700, files 0600. A file is open only while it is read or written, so that ten thousand builds cost no descriptors.
Workers write in their build's folder themselves, so what is found there is not trusted (see `paths`).

What must never happen: a path that leaves its build's folder; half of a document; half of an append that failed.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO, Final

from brignb.archive import names
from brignb.archive.artifacts import pack_artifacts
from brignb.archive.paths import entered, opened
from brignb.archive.seam import JOURNAL, WORKER
from brignb.errors import Unavailable
from brignb.model.names import is_id, is_job_id

_GOING: Final = "."
"""Before the name of a build's folder that is being taken away."""
_PIECE: Final = 1 << 20
_STREAMS: Final = {WORKER: "log", JOURNAL: "journal"}


class FileArchive:
    """See the module, and `seam.Archive` for the methods.

    Args:
        builds: The folder of all builds; it need not be there yet.
    """

    def __init__(self, builds: Path) -> None:
        self._builds = builds

    def append(self, build_id: str, stream: str, offset: int, data: bytes) -> int:
        """Write `data` at `offset` and answer the stream's new size; see the seam."""
        with self._storing(), self._opened(_stream(build_id, stream), os.O_RDWR | os.O_CREAT) as file:
            size = os.fstat(file).st_size
            known = _known(file, offset, data, size, stream)
            return size + _write(file, size, memoryview(data)[known:])

    def read(self, build_id: str, stream: str, offset: int = 0, limit: int | None = None) -> bytes:
        """Bytes from `offset` on; see the seam."""
        return self._bytes(_stream(build_id, stream), offset, limit) or b""

    def size(self, build_id: str, stream: str) -> int:
        """Of a stream; 0 when it is not there."""
        with self._storing(), suppress(FileNotFoundError), self._opened(_stream(build_id, stream), os.O_RDONLY) as file:
            return os.fstat(file).st_size
        return 0

    def put(self, build_id: str, name: str, data: bytes, *, durable: bool = True) -> None:
        """Put a whole document, at once or not at all; see the seam."""
        self._put(_document(build_id, name), (data,), durable=durable)

    def get(self, build_id: str, name: str) -> bytes | None:
        """A whole document; None when it is not there."""
        return self._bytes(_document(build_id, name))

    def spill(self, build_id: str, name: str, data: bytes) -> str:
        """Append to a side file; answers its path, relative to the record."""
        parts = (names.build(build_id), names.SPILL, names.side_file(name))
        with self._storing(), self._opened(parts, os.O_RDWR | os.O_CREAT) as file:
            _write(file, os.fstat(file).st_size, memoryview(data))
        return f"{names.SPILL}/{name}"

    def side_size(self, build_id: str, name: str) -> int:
        """Bytes of a side file; 0 when it is not there."""
        parts = (names.build(build_id), names.SPILL, names.side_file(name))
        with self._storing(), suppress(FileNotFoundError), self._opened(parts, os.O_RDONLY) as file:
            return os.fstat(file).st_size
        return 0

    def keep(self, build_id: str, name: str, pieces: Iterable[bytes]) -> None:
        """Put a whole side file, at once or not at all; see the seam."""
        self._put((names.build(build_id), names.SPILL, names.side_file(name)), pieces, durable=True)

    def builds(self) -> tuple[str, ...]:
        """Ids of the builds that something is kept of, oldest first."""
        with self._storing(), suppress(FileNotFoundError):
            found = {entry.name.removeprefix(_GOING) for entry in self._builds.iterdir()}
            return tuple(sorted(filter(is_id, found)))
        return ()

    def forget(self, build_ids: Iterable[str]) -> None:
        """Take everything of these builds away, at once for who reads; one that is not there is gone already."""
        for build in [names.build(build_id) for build_id in build_ids]:
            place, going = self._builds / build, self._builds / f"{_GOING}{build}"
            with self._storing(), suppress(FileNotFoundError):
                if going.exists():  # a kill came between the two steps
                    shutil.rmtree(going)
                place.rename(going)
                shutil.rmtree(going)

    def quick(self, build_id: str) -> bool:
        """Whether reading it waits for no network: always."""
        del build_id
        return True

    # what only `places` asks for

    def has(self, build_id: str) -> bool:
        """Whether anything is kept of a build."""
        return (self._builds / names.build(build_id)).is_dir()

    def streams(self, build_id: str) -> tuple[str, ...]:
        """The streams that a build has."""
        build = names.build(build_id)
        fixed = [stream for stream, file in _STREAMS.items() if file in self._entries(build)]
        return (*fixed, *filter(is_job_id, self._entries(build, "jobs")))

    def artifacts(self, build_id: str, job_id: str, file: IO[bytes]) -> bool:
        """Write a tar archive of what a job left for others; False when nothing is kept."""
        with self._storing():
            if pack_artifacts(self._builds, build_id, job_id, file):
                return True
        if not (is_id(build_id) and is_job_id(job_id)):
            return False
        for piece in self.side_file(build_id, names.artifacts(job_id), piece=_PIECE, most=sys.maxsize):
            file.write(piece)
        return file.tell() > 0

    def leavers(self, build_id: str) -> tuple[str, ...]:
        """The jobs that have left something for others."""
        return tuple(filter(is_job_id, self._entries(names.build(build_id), "artifacts")))

    def side_files(self, build_id: str) -> tuple[str, ...]:
        """The names of a build's side files."""
        return tuple(filter(names.is_side_file, self._entries(names.build(build_id), names.SPILL)))

    def side_file(self, build_id: str, name: str, *, piece: int, most: int) -> Iterator[bytes]:
        """One, piece by piece, up to `most` bytes."""
        parts = (names.build(build_id), names.SPILL, names.side_file(name))
        for at in range(0, most, piece):
            if not (data := self._bytes(parts, at, piece)):
                break
            yield data

    def _put(self, parts: tuple[str, ...], pieces: Iterable[bytes], *, durable: bool) -> None:
        *above, file = parts
        draft = f".{file}.{secrets.token_hex(8)}"
        with self._storing(), entered(self._builds, tuple(above), make=True) as folder:
            try:
                with opened(self._builds, (*above, draft), os.O_WRONLY | os.O_CREAT | os.O_EXCL) as written:
                    at = 0
                    for piece in pieces:
                        at += _write(written, at, memoryview(piece))
                    if durable:
                        os.fsync(written)
                os.replace(draft, file, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                with suppress(FileNotFoundError):
                    os.unlink(draft, dir_fd=folder)
                raise
            if durable:
                os.fsync(folder)
                with entered(self._builds, ()) as builds:
                    os.fsync(builds)

    def _entries(self, *parts: str) -> list[str]:
        """Names in a folder; none, when it is not there."""
        with self._storing(), suppress(FileNotFoundError), entered(self._builds, parts) as folder:
            return sorted(os.listdir(folder))  # noqa: PTH208 - of an opened folder, which has no path
        return []

    def _bytes(self, parts: tuple[str, ...], offset: int = 0, limit: int | None = None) -> bytes | None:
        """Part of a file; None when it is not there."""
        with self._storing(), suppress(FileNotFoundError), self._opened(parts, os.O_RDONLY) as file:
            left = max(os.fstat(file).st_size - offset, 0)
            return _read(file, offset, left if limit is None else min(left, limit))
        return None

    def _opened(self, parts: tuple[str, ...], flags: int) -> AbstractContextManager[int]:
        return opened(self._builds, parts, flags)

    @contextmanager
    def _storing(self) -> Iterator[None]:
        """What the disk says, as what the caller can act on."""
        try:
            yield
        except OSError as error:
            message = f"the archive cannot be used: {error.strerror or error}"
            hint = "look at the disk and at who owns the folder"
            raise Unavailable(message, where=str(self._builds), hint=hint) from error


def _stream(build_id: str, stream: str) -> tuple[str, ...]:
    place = _STREAMS.get(names.stream(stream))
    return (names.build(build_id), place) if place else (names.build(build_id), "jobs", stream, "log")


def _document(build_id: str, name: str) -> tuple[str, str]:
    return names.build(build_id), names.document(name)


def _known(file: int, offset: int, data: bytes, size: int, stream: str) -> int:
    """How many bytes of `data` are there already."""
    names.no_gap(offset, size, stream)
    return names.known(_read(file, offset, min(len(data), size - offset)), data, stream)


def _read(file: int, offset: int, count: int) -> bytes:
    """That many bytes, or all that there are (one `pread` gives at most 2 GiB)."""
    data = os.pread(file, count, offset)
    while len(data) < count and (more := os.pread(file, count - len(data), offset + len(data))):
        data += more
    return data


def _write(file: int, at: int, data: memoryview) -> int:
    """Write all of it at `at`, the file's end, or nothing; answers how many bytes."""
    written = 0
    try:
        while written < len(data):
            written += os.pwrite(file, data[written:], at + written)
    except OSError:
        os.ftruncate(file, at)  # a full disk takes the beginning of a line; nobody should read that
        raise
    return written
