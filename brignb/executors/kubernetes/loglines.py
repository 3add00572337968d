"""A kubelet's log stream, in chunks, as lines with times, and as content; and what of it was told before a cut."""

from __future__ import annotations

from collections import Counter, deque
from itertools import islice
from typing import Final

from brignb.model.logs import LINE_MAX
from brignb.model.times import parse_rfc3339

_MILLISECONDS: Final = 23
"""Characters of `2026-01-31T12:00:00.123`."""

Batch = list[tuple[int, bytes]]
"""Milliseconds since 1970, and content."""


class Resumed:
    """After a cut: what of the lines that come was told already.

    Args:
        times: Of the last lines told.
    """

    def __init__(self, times: deque[bytes]) -> None:
        full = len(times) == times.maxlen
        self._told = Counter(times)
        self._before = max(islice(times, len(times) // 2)) if full else b""  # what came before the window is no later
        self._last = max(times)
        first = self._before or min(times)
        self.since = first[:19].decode() + _zone(first)
        self.over = False
        self.met = False

    def fresh(self, lines: list[bytes]) -> list[bytes]:
        """Those that were not."""
        found: list[bytes] = []
        for at, line in enumerate(lines):
            time = line[: line.find(b" ")]
            if time > self._last:
                self.over = True
                return found + lines[at:]
            if self._told[time] > 0:
                self._told[time] -= 1
                self.met = True
            elif time > self._before:
                found.append(line)
        return found


class Split:
    """Chunks into lines, lines into content. A line longer than `LINE_MAX` is told in parts, so that none fills the memory."""

    def __init__(self) -> None:
        self._rest = bytearray()  # grows in place: a long line comes in many chunks
        self._open: tuple[bytes, int] | None = None  # the time of a line that is told in parts, and the bytes told
        self._skip = 0
        self._resumed: tuple[bytes, int] | None = None
        self._parts: Batch = []
        self._at = (b"", 0)

    def resume(self) -> None:
        """A new request: what was cut off comes again."""
        self._rest.clear()
        self._resumed, self._open = self._open or self._resumed, None

    def lines(self, chunk: bytes, *, in_parts: bool) -> list[bytes]:
        """Whole lines, each with its time.

        Args:
            chunk: As it came.
            in_parts: Whether a long line may be told in parts: what may have been told already has to be whole to be known.
        """
        end = chunk.rfind(b"\n")
        if end < 0:
            self._rest += chunk
            lines = []
        else:
            lines = (bytes(self._rest) + chunk[:end]).split(b"\n")
            self._rest[:] = chunk[end + 1 :]
        if self._open and lines:
            time, _ = self._open
            lines[0] = time + b" " + lines[0]
            self._open = None
        elif self._resumed and lines:
            lines = [self._without_told(line) for line in lines]
        if len(self._rest) > LINE_MAX and in_parts and not self._resumed:
            self._part()
        return lines

    def batch(self, lines: list[bytes]) -> Batch:
        """Content with times; lines of one millisecond are put together."""
        found: Batch = []
        parts, self._parts = self._parts, []
        now, zone = b"", b""
        texts: list[bytes] = []
        for line in lines:
            at = line.find(b" ")
            time = line[:_MILLISECONDS]
            if time != now and texts:
                found.append((self._ms(now, zone), b"\n".join(texts) + b"\n"))
                texts = []
            now, zone = time, line[_MILLISECONDS:at]
            texts.append(line[at + 1 :])
        if texts:
            found.append((self._ms(now, zone), b"\n".join(texts) + b"\n"))
        return found + parts

    def end(self) -> Batch:
        """What stands after the last newline."""
        rest = self._taken()
        if not rest:
            return []
        time, _, text = rest.partition(b" ")
        return [(0, rest)] if self._open else [(self._ms(time[:_MILLISECONDS], time[_MILLISECONDS:]), text)]

    def _part(self) -> None:
        """Tell what there is of a line whose end does not come."""
        rest = self._taken()
        if self._open is None:
            time, _, text = rest.partition(b" ")
            told = 0
        else:
            (time, told), text = self._open, rest
        self._parts.append((self._ms(time[:_MILLISECONDS], time[_MILLISECONDS:]), text))
        self._open = (time, told + len(text))

    def _taken(self) -> bytes:
        rest = bytes(self._rest)
        self._rest.clear()
        return rest

    def _without_told(self, line: bytes) -> bytes:
        """The line that was told in part before the cut, without that part."""
        if self._resumed and line.startswith(self._resumed[0] + b" "):
            time, told = self._resumed
            self._resumed = None
            return time + b" " + line[len(time) + 1 + told :]
        return line

    def _ms(self, time: bytes, zone: bytes) -> int:
        """Milliseconds since 1970; the second is remembered, since lines come in thousands."""
        second = time[:19] + zone[-6:]
        if second != self._at[0]:
            self._at = (second, parse_rfc3339(time[:19].decode() + _zone(time + zone)))
        return self._at[1] + int(time[20:] or b"0")


def _zone(time: bytes) -> str:
    """`Z` or `+01:00` at the end of a time."""
    return "Z" if time.endswith(b"Z") else time[-6:].decode()
