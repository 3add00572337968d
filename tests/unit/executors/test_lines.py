"""Bytes cut anywhere into lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brignb.executors.lines import Lines
from brignb.model.logs import LINE_MAX, LogLine


def _fed(chunks, *, flushed: bool = False) -> list[LogLine]:
    lines = Lines("stdout")
    told = []
    for at, chunk in enumerate(chunks):
        told += lines.feed(chunk, at)
        told += lines.flush(at) if flushed else []
    return told + lines.end(len(chunks))


def _texts(told) -> list[str]:
    whole, text = [], ""
    for line in told:
        text += line.text
        if not line.partial:
            whole.append(text)
            text = ""
    assert text == ""
    return whole


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=8), st.booleans())
def test_where_the_bytes_are_cut_changes_no_text(data, cuts, flushed):
    """Chunks are whatever the pipe gave; characters of several bytes and pauses may lie across."""
    cuts = sorted(min(cut, len(data)) for cut in cuts)
    chunks = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    text = data.decode("utf-8", "replace")
    expected = text.split("\n")
    if expected[-1] == "":
        expected.pop()
    assert _texts(_fed(chunks, flushed=flushed)) == expected


def test_a_whole_line_is_one_value():
    """Most lines are; parts cost."""
    assert _fed([b"one\ntwo\nthr", b"ee\n"]) == [
        LogLine(0, "stdout", "one"),
        LogLine(0, "stdout", "two"),
        LogLine(1, "stdout", "three"),
    ]


def test_a_flushed_line_goes_on():
    """Part, part, end: the parts say that more comes."""
    lines = Lines("stderr")
    told = [*lines.feed(b"10%", 1), *lines.flush(2), *lines.flush(3), *lines.feed(b"\r20%\n", 4)]
    assert told == [LogLine(2, "stderr", "10%", partial=True), LogLine(4, "stderr", "\r20%")]
    assert lines.end(5) == []


def test_a_flushed_line_at_the_end_is_ended():
    """Or a reader would join it with what another stream says next."""
    lines = Lines("stdout")
    assert lines.feed(b"? ", 1) == []
    assert lines.flush(2) == [LogLine(2, "stdout", "? ", partial=True)]
    assert lines.end(3) == [LogLine(3, "stdout", "")]


def test_half_a_character_waits():
    """It is no text yet, so there is nothing to show."""
    lines = Lines("stdout")
    lines.feed("ä".encode()[:1], 1)
    assert lines.flush(2) == []
    assert lines.feed("ä".encode()[1:] + b"\n", 3) == [LogLine(3, "stdout", "ä")]
    lines.feed("ä".encode()[:1], 4)
    assert lines.end(5) == [LogLine(5, "stdout", "\ufffd")]


@pytest.mark.parametrize("char", ["x", "ä", "😀", "\0"])
@pytest.mark.parametrize("step", [4000, 65536, 5 * LINE_MAX])
def test_no_part_is_longer_than_a_line_may_be(char, step):
    """In bytes as they are kept; and cut between characters."""
    raw = (char * (2 * LINE_MAX // len(char.encode()) + 10)).encode() + b"\nnext\n"
    told = _fed([raw[at : at + step] for at in range(0, len(raw), step)])
    assert max(len(line.text.encode()) for line in told) <= LINE_MAX
    assert _texts(told) == raw.decode().splitlines()
    assert len(told) == 4
