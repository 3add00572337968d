"""Reading a build's logs as they grow: one stream, or the worker's and all jobs' as one.

A `Follower` knows the streams in the order in which they were told of, reads what has come since the last time, and merges it by time.
Each line comes with a cursor, the byte offsets of all streams joined by dots: a follower made with it goes on after that line, and
neither loses nor repeats one. Streams only ever join at the end, so that an old cursor stays good.

It does not wait: whoever follows waits for news of the build, then reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from brignb.archive.seam import Archive
from brignb.errors import BadInput
from brignb.model.logs import LogLine, decode_lines

CHUNK: Final = 256 * 1024
"""Bytes of one stream that are read at once."""


@dataclass(frozen=True, slots=True)
class Told:
    """A line, where it is from, and how to go on after it.

    Args:
        name: `worker` or the job's name.
        stream: The archive's stream: `worker` or the job's id.
        cursor: For a follower that goes on after this line.
    """

    name: str
    stream: str
    line: LogLine
    cursor: str


class Follower:
    """See the module.

    Args:
        archive: Where the streams are.
        build_id: Whose.
        cursor: Where to go on; empty: at the beginning.

    Raises:
        BadInput: The cursor is none.
    """

    def __init__(self, archive: Archive, build_id: str, *, cursor: str = "") -> None:
        self._archive = archive
        self._build_id = build_id
        self._begin = _offsets(cursor)
        self._streams: dict[str, str] = {}
        self._offsets: list[int] = []

    def add(self, stream: str, name: str) -> None:
        """One more stream, or one that is known already."""
        if stream not in self._streams:
            at = len(self._streams)
            self._streams[stream] = name
            self._offsets.append(self._begin[at] if at < len(self._begin) else 0)

    def read(self) -> list[Told]:
        """What has come since the last time, whole lines only, in the order of their times; empty when there is nothing now."""
        found: list[tuple[int, int, LogLine, int]] = []
        for index, stream in enumerate(self._streams):
            data = self._chunk(stream, self._offsets[index])
            offset, latest = self._offsets[index], 0
            for raw, line in zip(_raw_lines(data), decode_lines(data), strict=False):
                offset += len(raw)
                latest = max(latest, line.at)  # a stream's own order is kept, whatever its clock did
                found.append((latest, index, line, offset))
        found.sort(key=lambda each: each[:2])
        return [self._told(index, line, offset) for _at, index, line, offset in found]

    def _chunk(self, stream: str, offset: int) -> bytes:
        """Whole lines from `offset` on: about `CHUNK` bytes, or one line that is longer."""
        size = CHUNK
        while True:
            data = self._archive.read(self._build_id, stream, offset, size)
            whole = data[: data.rfind(b"\n") + 1]
            if whole or len(data) < size:
                return whole
            size *= 2

    def _told(self, index: int, line: LogLine, offset: int) -> Told:
        self._offsets[index] = offset
        stream = list(self._streams)[index]
        return Told(self._streams[stream], stream, line, ".".join(map(str, self._offsets)))


def _raw_lines(data: bytes) -> list[bytes]:
    """With their newlines; a carriage return ends none."""
    return [raw + b"\n" for raw in data.split(b"\n")[:-1]]


def _offsets(cursor: str) -> list[int]:
    parts = cursor.split(".") if cursor else []
    if not all(part.isascii() and part.isdigit() and len(part) < len(str(1 << 63)) for part in parts):
        raise BadInput(f"{cursor!r:.80} is not a cursor of a log", where="cursor")
    return [int(part) for part in parts]


class Text:
    """Lines as text for people.

    Args:
        prefixed: Whether each line begins with `name | `. Then a partial line waits for its end, so that lines of two streams never
            run into one another; otherwise it is shown as it comes.
    """

    def __init__(self, *, prefixed: bool) -> None:
        self._prefixed = prefixed
        self._open: dict[tuple[str, str], tuple[str, str]] = {}

    def show(self, told: Told) -> str:
        """What this line adds to the text."""
        line = told.line
        if not self._prefixed:
            return line.text if line.partial else f"{line.text}\n"
        key = (told.stream, line.stream)
        text = self._open.pop(key, ("", ""))[1] + line.text
        if line.partial:
            self._open[key] = (told.name, text)
            return ""
        return f"{told.name} | {text}\n"

    def end(self) -> str:
        """What was never completed."""
        rest, self._open = self._open, {}
        return "".join(f"{name} | {text}\n" for name, text in rest.values())
