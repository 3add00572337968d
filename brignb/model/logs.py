r"""Log lines, and the format they are kept in: the one of Kubernetes' CRI.

    2026-01-31T12:00:00.000Z stdout F a whole line
    2026-01-31T12:00:00.120Z stderr P the beginning of a li
    2026-01-31T12:00:00.480Z stderr F ne

`F` ends a line, `P` does not: a prompt or a slow progress line is seen before it is complete. Content is text without a newline;
`\r` stays in it (progress bars), bytes that are no UTF-8 become U+FFFD. Streams are `stdout`, `stderr` and `system` (what brignb
itself has to say).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from brignb.model.times import parse_rfc3339, rfc3339

LINE_MAX = 1024 * 1024
"""Bytes after which a line is kept as several partial ones."""

_time = functools.lru_cache(maxsize=64)(rfc3339)  # lines come in batches that were seen at one time

_LINE = re.compile(r"(?P<time>\S+) (?P<stream>stdout|stderr|system) (?P<tag>[FP]) (?P<text>.*)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line, or a part of one.

    Args:
        at: When it was seen, milliseconds since 1970.
        stream: `stdout`, `stderr` or `system`.
        text: Without its newline.
        partial: Whether the line goes on in the next one of its stream.
    """

    at: int
    stream: str
    text: str
    partial: bool = False

    def encode(self) -> bytes:
        """The line as it is kept, newline included."""
        text = self.text.replace("\n", "\\n")
        line = f"{_time(self.at)} {self.stream} {'P' if self.partial else 'F'} {text}\n"
        return line.encode("utf-8", "replace")

    @classmethod
    def decode(cls, raw: bytes) -> LogLine:
        """A kept line. One that is torn (a writer was killed in its middle) is taken as text of `system`."""
        text = raw.decode("utf-8", "replace").removesuffix("\n")
        found = _LINE.match(text)
        if not found:
            return cls(0, "system", text)
        try:
            at = parse_rfc3339(found["time"])
        except ValueError:
            return cls(0, "system", text)
        return cls(at, found["stream"], found["text"], partial=found["tag"] == "P")


def encode_text(at: int, stream: str, text: str, *, partial: bool = False) -> bytes:
    """A line, or several with newlines between them that were seen at one time, as they are kept.

    Args:
        at: When they were seen, milliseconds since 1970.
        stream: `stdout`, `stderr` or `system`.
        text: What they say.
        partial: Whether the last one goes on.
    """
    head = f"{_time(at)} {stream} "
    whole, newline, last = text.rpartition("\n")
    if newline:
        whole = whole.replace("\n", f"\n{head}F ")
        whole = f"{head}F {whole}\n"
    return f"{whole}{head}{'P' if partial else 'F'} {last}\n".encode("utf-8", "replace")


def encode_lines(lines: Iterable[LogLine]) -> bytes:
    """Many lines as they are kept."""
    return b"".join(line.encode() for line in lines)


def decode_lines(data: bytes) -> list[LogLine]:
    """Kept lines; `data` begins at a line's beginning, an unfinished last line is left out."""
    whole = data[: data.rfind(b"\n") + 1]
    return [LogLine.decode(raw) for raw in whole.split(b"\n")[:-1]]
