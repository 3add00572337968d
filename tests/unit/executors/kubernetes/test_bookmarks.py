"""Where another process goes on in a log: whatever the chunks, the times and the moment, each byte is told once."""

from __future__ import annotations

import asyncio
import itertools
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from brignb.executors.backlog import Backlog
from brignb.executors.kubernetes.telling import Source, Telling
from brignb.model.jobs import Bookmark

NONCE = "0123456789abcdef"
FRAME = f"{NONCE} outputs\nA=1\n\n{NONCE} exit 0\n".encode()


class Reader:
    """A process that tells a log."""

    def __init__(self, since: Bookmark | None) -> None:
        self.backlog = Backlog("job", lambda: None, first=since.lines if since else 0)
        self.telling = Telling(self.backlog, asyncio.Event(), now_ms=lambda: 0, nonce=NONCE, since=since)
        self.early, self.durable = Source(), Source()

    def text(self) -> str:
        """What was told, parts put together."""
        lines = [line for line in self.backlog._lines if line.stream == "stdout"]
        return "".join(line.text + ("" if line.partial else "\n") for line in lines)


def _chunks(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(places)]


lines = st.lists(st.tuples(st.integers(0, 3), st.text("ab ä€\r\n\x00", max_size=12)), min_size=1, max_size=12)
cuts = st.lists(st.integers(0, 10_000), max_size=6)


@settings(max_examples=150, deadline=None)
@given(lines, cuts, cuts, st.integers(0, 10_000), st.integers(0, 10_000), st.booleans())
async def test_each_byte_is_told_once(written, some, others, ahead, seen, flushed):
    """The first process sees the streams at once and the log a little later, the second one has the log alone."""
    log, at = [], 1_000
    for later, text in written:
        at += later
        log.append((at, text.encode() + b"\n"))
    whole = b"".join(content for _, content in log) + FRAME
    log = [(when, content.replace(b"\r\n", b"\n")) for when, content in (*log, (at, FRAME))]  # as containerd has it
    one = Reader(None)
    for chunk in _chunks(whole[: ahead % (len(whole) + 1)], some):
        one.telling.take(one.early, chunk, None)
        if flushed and one.telling._lines.waiting:
            one.telling._tell_part()
    for when, content in log[: seen % (len(log) + 1)]:
        for chunk in _chunks(content, others):
            one.telling.take(one.durable, chunk, when)
    place, told = one.telling.bookmark, one.text()
    assert place.lines == one.backlog.end_number
    other = Reader(place)
    for when, content in log:
        for chunk in _chunks(content, others):
            other.telling.take(other.durable, chunk, when)
    other.telling.end()
    assert told + other.text() == re.sub(b"\r+\n", b"\n", whole.removesuffix(FRAME)).decode()
    assert other.telling.frame.word.exit_code == 0
    assert not [line for line in other.backlog._lines if line.stream == "system"]


async def test_a_log_whose_beginning_was_rotated_away_is_told_as_it_is():
    """Nothing of it is left out, and that lines may be missing is said."""
    other = Reader(Bookmark(lines=7, at=1_000, size=500))
    other.telling.take(other.durable, b"later\n", 1_001)
    assert other.text() == "later\n"
    assert "rotated" in other.backlog._lines[0].text
    assert other.telling.bookmark == Bookmark(lines=9, at=1_001, size=6)


async def test_a_place_can_be_given_on_before_anything_new_was_told():
    """Killed twice in a row."""
    place = Bookmark(lines=3, at=1_000, size=6)
    other = Reader(place)
    other.telling.take(other.durable, b"abc\n", 1_000)
    assert other.telling.bookmark == place
