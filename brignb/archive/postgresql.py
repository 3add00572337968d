"""The archive in a PostgreSQL database: one table of chunks.

    build_id │ name                        │ at  │ data         name: a stream, a document, or `spill/…`
    01J…     │ worker, journal, a job's id │  0  │ …            at: the chunk's offset in it, at most 1 MiB before the next one

An append is one INSERT at the very end of its stream, which the primary key gives to one writer only; nothing is ever updated. A
document is put by replacing its chunks in one transaction. The table is the archive's own: it may be in another database than the
store. Commits are durable: after the database's death a stream that had lost its end could not be gone on with.

What must never happen: half of a document; half of an append that failed; two stories in one stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from psycopg import Connection, Cursor, Error, OperationalError
from psycopg.errors import DiskFull, UniqueViolation
from psycopg_pool import ConnectionPool

from brignb.archive import names
from brignb.errors import Away, Unavailable

T = TypeVar("T")

CHUNK: Final = 1 << 20
"""Bytes in a row, at the most."""
_READERS: Final = 8
_PATIENCE: Final = 5.0
"""Seconds to wait for a connection."""

_TABLE: Final = """
SELECT pg_advisory_xact_lock(107834412823138);
CREATE TABLE IF NOT EXISTS archive (
    build_id text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (build_id, name, at)
)"""
_END: Final = """
SELECT at + octet_length(data) FROM archive WHERE build_id = %(build)s AND name = %(name)s ORDER BY at DESC LIMIT 1"""
_APPEND: Final = f"""
INSERT INTO archive SELECT %(build)s, %(name)s, %(at)s, %(data)s
WHERE coalesce(({_END}), 0) = %(at)s"""
_READ: Final = """
SELECT at, data FROM archive WHERE build_id = %(build)s AND name = %(name)s AND at < %(end)s AND at >= (
    SELECT coalesce(max(at), 0) FROM archive WHERE build_id = %(build)s AND name = %(name)s AND at <= %(at)s
) ORDER BY at"""
_BUILDS: Final = """
WITH RECURSIVE found (id) AS (
    SELECT min(build_id) FROM archive
    UNION ALL SELECT (SELECT min(build_id) FROM archive WHERE build_id > found.id) FROM found WHERE found.id IS NOT NULL
) SELECT id FROM found WHERE id IS NOT NULL"""  # one step in the index for each build, however many chunks they have
_EVERYTHING: Final = 1 << 62


class PostgresArchive:
    """See the module, and `seam.Archive` for the methods.

    Args:
        url: `postgresql://USER@HOST/DATABASE`, in libpq's words.
        where: The same for errors: no password, no user.
    """

    def __init__(self, url: str, *, where: str) -> None:
        self._where = where
        self._pool = ConnectionPool(
            url.replace("+psycopg:", ":", 1),
            min_size=1,
            max_size=_READERS,
            timeout=_PATIENCE,
            check=ConnectionPool.check_connection,
            kwargs={"autocommit": True, "application_name": "brignb archive", "connect_timeout": int(_PATIENCE)},
            open=False,
        )

    def open(self) -> None:
        """Make the table when there is none.

        Raises:
            Unavailable: The database cannot be used.
        """
        self._pool.open()
        with self._storing() as connection, connection.transaction():
            connection.execute(_TABLE)

    def close(self) -> None:
        """Let go of the database."""
        self._pool.close()

    def append(self, build_id: str, stream: str, offset: int, data: bytes) -> int:
        """Write `data` at `offset` and answer the stream's new size; see the seam."""
        place = {"build": names.build(build_id), "name": names.stream(stream)}
        return self._alone(lambda connection: _append(connection, place, offset, data))

    def read(self, build_id: str, stream: str, offset: int = 0, limit: int | None = None) -> bytes:
        """Bytes from `offset` on; see the seam."""
        place = {"build": names.build(build_id), "name": names.stream(stream)}
        with self._storing() as connection:
            return _read(connection, place, offset, limit)

    def size(self, build_id: str, stream: str) -> int:
        """Of a stream; 0 when it is not there."""
        place = {"build": names.build(build_id), "name": names.stream(stream)}
        with self._storing() as connection:
            return _size(connection, place)

    def put(self, build_id: str, name: str, data: bytes, *, durable: bool = True) -> None:
        """Put a whole document, at once or not at all; it is always durable."""
        del durable
        place = {"build": names.build(build_id), "name": names.document(name)}

        def replace(connection: Connection) -> None:
            connection.execute("DELETE FROM archive WHERE build_id = %(build)s AND name = %(name)s", place)
            _insert(connection, place, 0, data)

        self._alone(replace)

    def get(self, build_id: str, name: str) -> bytes | None:
        """A whole document; None when it is not there."""
        place = {"build": names.build(build_id), "name": names.document(name)}
        with self._storing() as connection:
            rows = connection.execute(_READ, {**place, "at": 0, "end": _EVERYTHING}, binary=True).fetchall()
        return b"".join(data for _at, data in rows) if rows else None

    def spill(self, build_id: str, name: str, data: bytes) -> str:
        """Append to a side file; answers how the record names it."""
        path = f"{names.SPILL}/{names.side_file(name)}"
        place = {"build": names.build(build_id), "name": path}
        self._alone(lambda connection: _insert(connection, place, _size(connection, place), data))
        return path

    def side_size(self, build_id: str, name: str) -> int:
        """Bytes of a side file; 0 when it is not there."""
        place = {"build": names.build(build_id), "name": f"{names.SPILL}/{names.side_file(name)}"}
        with self._storing() as connection:
            return _size(connection, place)

    def keep(self, build_id: str, name: str, pieces: Iterable[bytes]) -> None:
        """Put a whole side file, at once or not at all; see the seam."""
        place = {"build": names.build(build_id), "name": f"{names.SPILL}/{names.side_file(name)}"}
        with self._storing() as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(hashtext(%(build)s), hashtext(%(name)s))", place)
            connection.execute("DELETE FROM archive WHERE build_id = %(build)s AND name = %(name)s", place)
            at = 0
            for piece in pieces:
                _insert(connection, place, at, piece, empty=False)
                at += len(piece)

    def side_file(self, build_id: str, name: str, *, piece: int, most: int) -> Iterator[bytes]:
        """A side file, piece by piece, up to `most` bytes."""
        place = {"build": names.build(build_id), "name": f"{names.SPILL}/{names.side_file(name)}"}
        for at in range(0, most, piece):
            with self._storing() as connection:
                data = _read(connection, place, at, piece)
            if not data:
                break
            yield data

    def builds(self) -> tuple[str, ...]:
        """Ids of the builds that something is kept of, oldest first."""
        with self._storing() as connection:
            return tuple(row[0] for row in connection.execute(_BUILDS))

    def forget(self, build_ids: Iterable[str]) -> None:
        """Take everything of these builds away; one that is not there is gone already."""
        going = [names.build(build_id) for build_id in build_ids]
        with self._storing() as connection:
            connection.execute("DELETE FROM archive WHERE build_id = ANY(%s)", (going,))

    def quick(self, build_id: str) -> bool:
        """Whether reading it waits for no network: never."""
        del build_id
        return False

    def _alone(self, write: Callable[[Connection], T]) -> T:
        """In a transaction; once more, when somebody else has just written at the same place: now it can be seen."""
        with self._storing() as connection:
            try:
                with connection.transaction():
                    return write(connection)
            except UniqueViolation:
                with connection.transaction():
                    return write(connection)

    @contextmanager
    def _storing(self) -> Iterator[Connection]:
        """A connection; and what the database says, as what the caller can act on."""
        try:
            with self._pool.connection() as connection:
                yield connection
        except Error as error:
            away = isinstance(error, OperationalError) and not isinstance(error, DiskFull)
            message = f"the archive cannot be used: {str(error).strip().splitlines()[0]}"
            raise (Away if away else Unavailable)(message, where=self._where, hint="look at the database") from error


def _append(connection: Connection, place: dict[str, str], offset: int, data: bytes) -> int:
    if 0 < len(data) <= CHUNK and connection.execute(_APPEND, {**place, "at": offset, "data": data}).rowcount:
        return offset + len(data)  # as nearly always
    size = _size(connection, place)
    names.no_gap(offset, size, place["name"])
    there = _read(connection, place, offset, len(data))
    _insert(connection, place, size, data[names.known(there, data, place["name"]) :], empty=False)
    return max(size, offset + len(data))


def _insert(connection: Connection, place: dict[str, str], at: int, data: bytes, *, empty: bool = True) -> None:
    """As chunks; no data is one empty chunk, or none."""
    parts = range(0, len(data), CHUNK) or range(int(empty))
    rows = [{**place, "at": at + start, "data": data[start : start + CHUNK]} for start in parts]
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO archive VALUES (%(build)s, %(name)s, %(at)s, %(data)s)", rows)


def _size(connection: Connection, place: dict[str, str]) -> int:
    row = connection.execute(_END, place).fetchone()
    return row[0] if row else 0


def _read(connection: Connection, place: dict[str, str], offset: int, limit: int | None) -> bytes:
    end = _EVERYTHING if limit is None else offset + limit
    found: Cursor[Any] = connection.execute(_READ, {**place, "at": offset, "end": end}, binary=True)
    return b"".join(data[max(offset - at, 0) : end - at] for at, data in found)
