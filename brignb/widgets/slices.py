"""Which logs are followed by which pages, from where on, and how much of them may go out now.

A log has one cursor, however many pages follow it: all pages get all that is sent, and leave out what they have. One that lacks
something sets the cursor back. Until a page has spoken of a log, it is followed for whoever may be there.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Final

RATE: Final = 400_000
"""Bytes a second, packed: jupyter_server drops what is over `iopub_data_rate_limit` (1 MB/s in any 3 s), and cells print, too."""
SLICE: Final = 256 * 1024
"""Bytes of one log in one message, unpacked; reading and packing them takes the job loop 3 ms."""
MESSAGE: Final = 2 * SLICE
"""The same of all logs."""
UNHEARD_MAX: Final = 16_000_000
"""Bytes, packed, that go out without a word from a page: without one in between, jupyter_server would keep them for a page to come."""
PAGE_LOST: Final = 120.0
"""Seconds of silence after which a page no longer counts."""
ANYBODY: Final = ""

Read = Callable[[str, str, int, int], bytes]
"""Bytes of (view, stream, offset, limit)."""


class Budget:
    """A bucket of bytes that fills with time, and what was sent since somebody was heard.

    Args:
        clock: Seconds, growing.
        rate: Bytes a second; as many may go out at once after a silence.
    """

    def __init__(self, clock: Callable[[], float], rate: float = RATE) -> None:
        self._clock = clock
        self._rate = rate
        self._left = rate
        self._filled = clock()
        self._unheard = 0

    @property
    def open(self) -> bool:
        """Whether something may go out."""
        now = self._clock()
        self._left = min(self._rate, self._left + self._rate * (now - self._filled))
        self._filled = now
        return self._left > 0 and self._unheard < UNHEARD_MAX

    @property
    def waits_for_word(self) -> bool:
        """Whether time alone will not open it."""
        return self._unheard >= UNHEARD_MAX

    def spend(self, count: int) -> None:
        """So many bytes went out."""
        self._left -= count
        self._unheard += count

    def heard(self) -> None:
        """Somebody is there."""
        self._unheard = 0


class Slices:
    """See the module.

    Args:
        budget: What may go out.
        clock: Seconds, growing.
    """

    def __init__(self, budget: Budget, clock: Callable[[], float]) -> None:
        self._budget = budget
        self._clock = clock
        self._cursors: dict[str, tuple[str, int]] = {}
        self._behind: dict[str, None] = {}
        self._pages: dict[str, set[str]] = {}
        self._heard: dict[str, float] = {}

    def __contains__(self, stream: str) -> bool:
        return stream in self._cursors

    def follow(self, view: str, stream: str, offset: int, *, page: str = ANYBODY) -> None:
        """A page wants a log from `offset` on."""
        before = self._cursors.get(stream)
        self._cursors[stream] = (view, offset if before is None else min(offset, before[1]))
        self._behind[stream] = None
        self._pages.setdefault(stream, set()).add(page)
        if page != ANYBODY:
            self._pages[stream].discard(ANYBODY)

    def grew(self, stream: str) -> bool:
        """There is more of it; answers whether anybody wants it."""
        if stream not in self._cursors:
            return False
        self._behind[stream] = None
        return True

    def leave(self, stream: str, *, page: str) -> None:
        """A page does not want it any more."""
        self._pages.get(stream, set()).difference_update({page, ANYBODY})
        self._drop()

    def heard(self, page: str) -> None:
        """A page is there."""
        now = self._heard[page] = self._clock()
        for lost in [each for each, at in self._heard.items() if at + PAGE_LOST < now]:
            del self._heard[lost]
            for pages in self._pages.values():
                pages.discard(lost)
        self._drop()

    def forget(self, view: str) -> None:
        """A view is gone, with its logs."""
        for stream in [stream for stream, (of, _offset) in self._cursors.items() if of == view]:
            self._pages[stream].clear()
        self._drop()

    @property
    def waiting(self) -> bool:
        """Whether there is something that may go out later, without anybody's word."""
        return bool(self._behind) and not self._budget.waits_for_word

    def take(self, read: Read) -> list[tuple[str, int, int, bytes]]:
        """Some of what is new, log by log in turn: (stream, offset, how many bytes, packed)."""
        found: list[tuple[str, int, int, bytes]] = []
        room = MESSAGE
        for stream in tuple(self._behind):
            if room <= 0 or not self._budget.open:
                break
            del self._behind[stream]
            view, offset = self._cursors[stream]
            limit = min(SLICE, room)
            if data := read(view, stream, offset, limit):
                packed = zlib.compress(data, 1)
                room -= len(data)
                self._budget.spend(len(packed))
                found.append((stream, offset, len(data), packed))
                self._cursors[stream] = (view, offset + len(data))
            if len(data) == limit:
                self._behind[stream] = None  # there may be more: after the others
        return found

    def _drop(self) -> None:
        for stream in [stream for stream, pages in self._pages.items() if not pages]:
            del self._pages[stream], self._cursors[stream]
            self._behind.pop(stream, None)
