"""Followers neither lose nor repeat a line, whatever the cursor they go on from."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brignb.archive.follow import Follower, Text
from brignb.errors import BadInput
from brignb.model.logs import LogLine

BUILD = "01JZZZZZZZZZZZZZZZZZZZZZZZ"


class Streams:
    """An archive's reading half, over bytes in memory; the real one's contract is tested elsewhere."""

    def __init__(self):
        self.data = {}

    def write(self, stream, *lines):
        self.data[stream] = self.data.get(stream, b"") + b"".join(line.encode() for line in lines)

    def read(self, _build, stream, offset=0, limit=None):
        data = self.data.get(stream, b"")[offset:]
        return data if limit is None else data[:limit]


def follower(archive, cursor="", streams=("worker", "a-1", "b-1")):
    made = Follower(archive, BUILD, cursor=cursor)
    for stream in streams:
        made.add(stream, stream.partition("-")[0])
    return made


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["worker", "a-1", "b-1"]), st.integers(0, 5)), max_size=40), st.data())
def test_going_on_from_any_cursor_gives_the_rest(writes, data):
    archive = Streams()
    for number, (stream, at) in enumerate(writes):
        archive.write(stream, LogLine(at, "stdout", f"line {number}"))
    everything = follower(archive).read()
    assert sorted(told.line.text for told in everything) == sorted(f"line {n}" for n in range(len(writes)))
    if everything:
        cut = data.draw(st.integers(0, len(everything) - 1))
        rest = follower(archive, everything[cut].cursor).read()
        assert sorted(t.line.text for t in everything[cut + 1 :]) == sorted(t.line.text for t in rest)


def test_a_stream_that_joins_later_is_read_from_its_beginning():
    archive = Streams()
    archive.write("worker", LogLine(1, "stdout", "one"))
    cursor = follower(archive, streams=("worker",)).read()[-1].cursor
    archive.write("a-1", LogLine(2, "stdout", "two"))
    assert [told.line.text for told in follower(archive, cursor, ("worker", "a-1")).read()] == ["two"]


def test_an_unfinished_line_waits_and_a_carriage_return_ends_none():
    archive = Streams()
    archive.write("worker", LogLine(1, "stdout", "10%\r20%"))
    archive.data["worker"] += b"2026-01-01T00:00:00.000Z stdout F half"
    reader = follower(archive)
    assert [told.line.text for told in reader.read()] == ["10%\r20%"]
    assert reader.read() == []
    archive.data["worker"] += b" done\n"
    assert [told.line.text for told in reader.read()] == ["half done"]


def test_prefixed_text_never_mixes_two_streams_in_one_line():
    archive = Streams()
    archive.write("worker", LogLine(1, "stdout", "w1 ", partial=True), LogLine(3, "stdout", "w2"))
    archive.write("a-1", LogLine(2, "stdout", "from a"), LogLine(4, "stdout", "never ended", partial=True))
    text = Text(prefixed=True)
    shown = "".join(map(text.show, follower(archive).read())) + text.end()
    assert shown == "a | from a\nworker | w1 w2\na | never ended\n"


@pytest.mark.parametrize("cursor", ["x", "1.-2", "1..2", "9" * 40, "1,2", "²"])
def test_a_cursor_that_is_none_is_refused(cursor):
    with pytest.raises(BadInput):
        follower(Streams(), cursor)
