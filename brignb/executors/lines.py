"""Bytes of a pipe into log lines.

Enters: chunks as they were read, cut anywhere. Leaves: whole lines, and a part of one (`partial`) when the job pauses inside a line or
the line grows beyond `LINE_MAX`. A character cut between two chunks comes out whole; bytes that are no UTF-8 come out as U+FFFD.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Final

from brignb.model.logs import LINE_MAX, LogLine

_WIDEST: Final = 4
"""Bytes of the longest character in UTF-8."""


class Lines:
    """One stream of one job.

    Args:
        stream: `stdout` or `stderr`.
    """

    def __init__(self, stream: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._open = False
        self._fed = 0
        self.told = 0
        """Bytes whose lines, or parts of a line, were told."""

    @property
    def waiting(self) -> bool:
        """Whether text waits for the end of its line."""
        return bool(self._rest)

    def feed(self, data: bytes, at: int) -> list[LogLine]:
        """The lines that `data`, read at `at` (milliseconds since 1970), completes."""
        if (newline := data.rfind(b"\n")) >= 0:
            self.told = self._fed + newline + 1
        self._fed += len(data)
        *whole, rest = (self._rest + self._decoder.decode(data)).split("\n")
        lines: list[LogLine] = []
        for text in whole:
            lines += self._line(text, at)
        *parts, self._rest = _cut(rest)
        lines += [LogLine(at, self._stream, part, partial=True) for part in parts]
        self.told += sum(len(part.encode()) for part in parts)
        self._open = bool(parts) or (self._open and not whole)
        return lines

    def flush(self, at: int) -> list[LogLine]:
        """What waits for the end of its line, as a part of one."""
        if not self._rest:
            return []
        text, self._rest, self._open = self._rest, "", True
        self.told = self._fed - len(self._decoder.getstate()[0])
        return [LogLine(at, self._stream, text, partial=True)]

    def end(self, at: int) -> list[LogLine]:
        """The last line, if the stream ended within it."""
        text = self._rest + self._decoder.decode(b"", final=True)
        unfinished, self._rest, self._open = bool(text) or self._open, "", False
        return list(self._line(text, at)) if unfinished else []

    def _line(self, text: str, at: int) -> Iterator[LogLine]:
        *parts, last = _cut(text)
        for part in parts:
            yield LogLine(at, self._stream, part, partial=True)
        yield LogLine(at, self._stream, last)


def _cut(text: str) -> list[str]:
    """Text in pieces of at most `LINE_MAX` bytes; at least one."""
    if len(text) * _WIDEST <= LINE_MAX:
        return [text]
    raw = memoryview(text.encode())
    pieces = []
    while len(raw) > LINE_MAX:
        at = LINE_MAX
        while raw[at] & 0xC0 == 0x80:  # noqa: PLR2004 - a continuation byte: never cut within a character
            at -= 1
        pieces.append(str(raw[:at], "utf-8"))
        raw = raw[at:]
    return [*pieces, str(raw, "utf-8")]
