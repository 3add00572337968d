"""Where in a container's log one is, by its own times, and what of it was told already when it is read again from its beginning.

    content with times ──▶ Places ──▶ Bookmark ──(another process)──▶ Skipped ──▶ the rest

The numbers of bytes do not depend on how the log was cut into chunks on its way. A log of which the beginning was rotated away begins
later than the bookmark; then that is said. What must never happen: a byte that is told twice, or left out, in silence.
"""

from __future__ import annotations

from collections import deque

from brignb.model.jobs import Bookmark


class Places:
    """The times at which bytes of a log were written; of one reading of it, from its beginning."""

    def __init__(self) -> None:
        self._begun: deque[tuple[int, int]] = deque()

    def see(self, at: int, begin: int) -> None:
        """Content begins at byte `begin`, written at `at`. Two streams may be out of order; the latest time so far counts."""
        if not self._begun or at > self._begun[-1][0]:
            self._begun.append((at, begin))

    def bookmark(self, lines: int, end: int) -> Bookmark:
        """Of the place before byte `end`, which never goes back."""
        while len(self._begun) > 1 and self._begun[1][1] <= end:
            self._begun.popleft()
        if not self._begun or self._begun[0][1] > end:
            return Bookmark(lines=lines, size=end)
        at, begin = self._begun[0]
        return Bookmark(lines=lines, at=at, size=end - begin)


class Skipped:
    """What was told already; fed from the log's beginning.

    Args:
        bookmark: Where to go on.
    """

    def __init__(self, bookmark: Bookmark) -> None:
        self._at = bookmark.at
        self._left = bookmark.size
        self._reached = bookmark.at is None
        self.lacking = False
        """Whether the log begins after the bookmark: nobody knows what is missing."""

    def of(self, size: int, at: int) -> int:
        """How many of the next `size` bytes, written at `at`, were told."""
        if not self._reached:
            if self._at is not None and at < self._at:
                return size
            self._reached = True
            if at != self._at:
                self.lacking, self._left = True, 0
        told = min(size, self._left)
        self._left -= told
        return told

    @property
    def over(self) -> bool:
        """Whether the rest is new."""
        return self._reached and not self._left
