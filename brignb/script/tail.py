"""The last lines of a log, kept small: what an exception and a display show."""

from __future__ import annotations

import re
from collections import deque
from typing import Final

TAIL_LINES: Final = 20
TAIL_LINE: Final = 1000
"""Characters of a line; the log has the rest."""

_TERMINAL: Final = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[ -/]*[0-~])"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
)
"""Escape sequences (ECMA-48), control characters but tab and newline, and what turns the direction of text."""


def plain(text: str) -> str:
    """Text that does nothing to a terminal or a page but stand there."""
    return _TERMINAL.sub("", text)


class Tail:
    """The last lines, in the order in which they began to be seen; parts of one line are joined."""

    def __init__(self) -> None:
        self._lines: deque[list[str]] = deque(maxlen=TAIL_LINES)
        self._open: dict[str, list[str]] = {}

    def add(self, stream: str, text: str, *, partial: bool) -> None:
        """A line, or a part of one."""
        parts = self._open.get(stream)
        if parts is None:
            parts = []
            self._lines.append(parts)
        if sum(map(len, parts)) <= TAIL_LINE:
            parts.append(text[: TAIL_LINE + 1])
        if partial:
            self._open[stream] = parts
        else:
            self._open.pop(stream, None)

    def lines(self) -> tuple[str, ...]:
        """What is kept now, each as a terminal would show it in the end, without colours."""
        return tuple(_cut(plain(line)) for line in self.raw())

    def raw(self) -> tuple[str, ...]:
        r"""The same with its control sequences, for who shows colours; of a progress bar (`10%\r20%\r`) the last state."""
        return tuple("".join(parts).rstrip("\r").rpartition("\r")[2] for parts in self._lines)


def _cut(line: str) -> str:
    """Of a line that is too long its beginning."""
    return line if len(line) <= TAIL_LINE else line[:TAIL_LINE] + "…"
