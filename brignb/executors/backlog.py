"""A job's lines between the job that writes them and those who read them.

Lines are numbered from 0. A follower asks from a number on and waits for more. A line is told once every present follower had it. Of
those told, the last `KEPT_LINES` or `KEPT_WEIGHT` of them can be asked for again. Lines not told yet are all kept, so the writer must
stop while `full`; `drained` tells it when to go on. A loud job without any follower waits for one.

What must never happen: a line that is lost, or told twice, in silence.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

from brignb.errors import NotFound
from brignb.model.logs import LogLine

FULL: Final = 8 * 1024 * 1024
"""Weight of untold lines, roughly bytes of memory, above which the writer has to wait."""

KEPT_LINES: Final = 1000
KEPT_WEIGHT: Final = 1024 * 1024

_LINE_WEIGHT: Final = 120
"""Bytes that a line takes besides its text."""


class Backlog:
    """The lines of one job.

    Args:
        job_id: For errors.
        drained: Called when followers have caught up; the writer may go on.
        first: The number of the first line; those before it were told by another process.
    """

    def __init__(self, job_id: str, drained: Callable[[], None], *, first: int = 0) -> None:
        self._job_id = job_id
        self._drained = drained
        self._lines: list[LogLine] = []
        self._first = first  # the number of the first line kept
        self._told = first  # the number of the first line not told
        self._untold_weight = 0
        self._kept_weight = 0
        self._followers: dict[object, int] = {}
        self._ended = False
        self._news = asyncio.Event()

    @property
    def full(self) -> bool:
        """Whether the writer has to wait until `drained`."""
        return self._untold_weight > FULL

    @property
    def end_number(self) -> int:
        """Of the next line."""
        return self._first + len(self._lines)

    def keeps(self, number: int) -> bool:
        """Whether lines from that number on can be told."""
        return number >= self._first

    def add(self, lines: Sequence[LogLine]) -> None:
        """Lines that were seen."""
        if lines:
            self._lines += lines
            self._untold_weight += _weight(lines)
            self._wake()

    def end(self) -> None:
        """There will be no more."""
        self._ended = True
        self._wake()

    async def follow(self, after: int = 0) -> AsyncIterator[list[LogLine]]:
        """Batches of lines from number `after` on, until the end.

        Raises:
            NotFound: Some of them are not kept any more.
        """
        if not self.keeps(after):
            raise NotFound(f"lines {after} to {self._first - 1} of job {self._job_id} are not kept any more")
        me, at = object(), after
        self._followers[me] = at
        try:
            while True:
                news = self._news
                if batch := self._lines[at - self._first :]:
                    yield batch
                    at += len(batch)
                    self._followers[me] = at
                    self._settle()
                elif self._ended:
                    return
                else:
                    await news.wait()
        finally:
            del self._followers[me]
            self._settle()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _settle(self) -> None:
        """After somebody was told something, or left: count, forget, and let the writer go on."""
        end = self._first + len(self._lines)
        slowest = min(self._followers.values(), default=self._told)
        told = max(self._told, min(slowest, end))
        weight = _weight(self._lines[self._told - self._first : told - self._first])
        self._told = told
        self._untold_weight -= weight
        self._kept_weight += weight
        self._forget(min(told, slowest) - self._first)
        if self._untold_weight <= FULL // 2:
            self._drained()

    def _forget(self, past: int) -> None:
        """Let go of the oldest of the first `past` lines, down to what is kept; rarely, since it moves the rest."""
        if self._kept_weight > 2 * KEPT_WEIGHT or past > 2 * KEPT_LINES:
            drop, weight = max(0, past - KEPT_LINES), self._kept_weight
            weight -= _weight(self._lines[:drop])
            while drop < past and weight > KEPT_WEIGHT:
                weight -= _weight(self._lines[drop : drop + 1])
                drop += 1
            del self._lines[:drop]
            self._first += drop
            self._kept_weight = weight


def _weight(lines: Sequence[LogLine]) -> int:
    return sum(len(line.text) for line in lines) + _LINE_WEIGHT * len(lines)
