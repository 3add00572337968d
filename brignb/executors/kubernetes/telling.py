"""A job's lines, from two sources of the same bytes.

    attached streams (at once, while the connection holds) ─┐
                                                            ├─ whichever is ahead ─▶ Frame ─▶ Lines ─▶ Backlog
    the kubelet's log (durable, up to a second behind) ─────┘

Both give the container's output from its first byte on, so a byte's number says whether it was told. Who goes on where another process
was has the log alone, and a bookmark of how far it was told.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from brignb.executors.backlog import Backlog
from brignb.executors.kubernetes.bookmarks import Places, Skipped
from brignb.executors.kubernetes.wrapper import Frame
from brignb.executors.lines import Lines
from brignb.model.jobs import Bookmark
from brignb.model.logs import LogLine

_RETURNS: Final = re.compile(rb"\r+\n")
PARTIAL_AFTER: Final = 0.05
"""Seconds that the beginning of a line waits for its end."""


class Source:
    """One way to the bytes; `at` is the number of the next byte that it gives.

    Runtimes leave out a carriage return before a newline, or keep it; so no way has any, and a byte has the same number on both.
    """

    def __init__(self) -> None:
        self.at = 0
        self.held = b""
        """Carriage returns that may stand before a newline: nobody knows before more comes."""

    def clean(self, content: bytes) -> bytes:
        """What can be told of its next bytes."""
        if b"\r" not in content and not self.held:
            return content
        content = _RETURNS.sub(b"\n", self.held + content)
        told = content.rstrip(b"\r")
        self.held = content[len(told) :]
        return told


class Telling:
    """See the module.

    Args:
        backlog: Gets the lines.
        room: Is set when its readers have caught up.
        now_ms: The time, in milliseconds since 1970.
        nonce: Of the frame; None: there is none.
        since: How far another process has told it; None: not at all.
    """

    def __init__(
        self,
        backlog: Backlog,
        room: asyncio.Event,
        *,
        now_ms: Callable[[], int],
        nonce: str | None,
        since: Bookmark | None = None,
    ) -> None:
        self._backlog = backlog
        self._room = room
        self._now_ms = now_ms
        self._lines = Lines("stdout")
        self._flush: asyncio.TimerHandle | None = None
        self.frame = Frame(nonce)
        self.framed = asyncio.Event()
        self.told = 0
        self._since = since
        self._skipped = Skipped(since) if since else None
        self._places = Places()
        self._origin = 0

    def take(self, source: Source, content: bytes, at: int | None) -> None:
        """Content that a source gives; what the other has given already is left out.

        Args:
            source: Which of them.
            content: Its next bytes.
            at: Milliseconds since 1970; None: now.
        """
        content = source.clean(content)
        begin = source.at
        source.at += len(content)
        if at is not None:
            self._places.see(at, begin)
        if self._skipped and at is not None:
            self._skip(self._skipped, begin, len(content), at)
        if source.at <= self.told:
            return
        fresh = content[self.told - begin :] if begin < self.told else content
        self.told = source.at
        self._backlog.add(self._lines.feed(self.frame.feed(fresh), self._now_ms() if at is None else at))
        if self._lines.waiting and self._flush is None:
            self._flush = asyncio.get_running_loop().call_later(PARTIAL_AFTER, self._tell_part)
        if self.frame.word:
            self.framed.set()

    @property
    def bookmark(self) -> Bookmark:
        """Of what was told."""
        lines = self._backlog.end_number
        if self._since and self._skipped:
            return replace(self._since, lines=lines)
        return self._places.bookmark(lines, self._origin + self._lines.told)

    async def until_there_is_room(self) -> None:
        """Nobody reads: the log waits on its node, and this process's memory stays small."""
        while self._backlog.full:
            self._room.clear()
            await self._room.wait()

    def say(self, *texts: str, at: int | None = None) -> None:
        """Lines of brignb's own, or of others beside the job; now, or as they were written."""
        at = self._now_ms() if at is None else at
        self._backlog.add([LogLine(at, "system", text.replace("\n", " ")) for text in texts])

    def end(self, last: bytes = b"") -> None:
        """No more content comes.

        Args:
            last: What the log has held to its end.
        """
        if self._flush:
            self._flush.cancel()
        now = self._now_ms()
        self._backlog.add([*self._lines.feed(self.frame.rest() + last, now), *self._lines.end(now)])

    def _skip(self, skipped: Skipped, begin: int, size: int, at: int) -> None:
        """Leave out what another process has told."""
        self.told = self._origin = begin + skipped.of(size, at)
        if skipped.over:
            self._skipped = None
        if skipped.lacking:
            self.say("the log was rotated while nobody followed it; lines may be missing here")

    def _tell_part(self) -> None:
        self._flush = None
        self._backlog.add(self._lines.flush(self._now_ms()))
