"""Log lines as they are kept, also when their writer was killed."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from brignb.model.logs import LogLine, decode_lines, encode_lines, encode_text

NOW = 1_769_860_800_120
LINES = st.builds(
    LogLine,
    st.integers(0, 4_000_000_000_000),
    st.sampled_from(["stdout", "stderr", "system"]),
    st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"])),
    st.booleans(),
)


def test_the_format_is_the_one_of_kubernetes():
    """Other tools read it (CRI): time, stream, F or P, text."""
    assert LogLine(NOW, "stdout", "a b\r").encode() == b"2026-01-31T12:00:00.120Z stdout F a b\r\n"
    assert LogLine(NOW, "stderr", "", partial=True).encode() == b"2026-01-31T12:00:00.120Z stderr P \n"


@given(st.lists(LINES))
def test_what_is_kept_comes_back(lines):
    """Whatever a job prints: carriage returns, NULs, other alphabets, what looks like a line of ours."""
    assert decode_lines(encode_lines(lines)) == lines


def test_a_newline_does_not_begin_a_second_line():
    """A line that smuggles one in must not forge another stream's."""
    kept = LogLine(NOW, "stdout", f"x\n{LogLine(NOW, 'system', 'forged').encode().decode()}").encode()
    assert kept.count(b"\n") == 1
    assert [line.stream for line in decode_lines(kept)] == ["stdout"]


def test_an_unfinished_line_is_left_out():
    """A reader sees it whole the next time."""
    whole = LogLine(NOW, "stdout", "whole")
    assert decode_lines(whole.encode() + b"2026-01-31T12:00") == [whole]
    assert decode_lines(b"") == []


def test_torn_lines_are_shown_as_they_are():
    """A writer was killed in their middle, and the next one ended them."""
    torn = [b"2026-01-31T12:00\n", b"nonsense\n", b"2026-99-99T00:00:00.000Z stdout F x\n", b"\xff\xfe\n", b"\n"]
    assert [line.stream for line in decode_lines(b"".join(torn))] == ["system"] * 5
    assert decode_lines(torn[1])[0].text == "nonsense"


def test_a_lone_surrogate_is_kept_as_a_question_mark():
    """Python code can print one; UTF-8 cannot hold it."""
    assert decode_lines(LogLine(NOW, "stdout", "\ud800").encode())[0].text == "?"


@given(st.text(st.characters(exclude_categories=["Cs"])), st.booleans())
def test_lines_that_were_seen_at_one_time_are_kept_as_each_would_be(text, partial):
    """They are written together, since a loud cell has 200,000 of them."""
    *whole, last = (LogLine(7, "stdout", line) for line in text.split("\n"))
    assert encode_text(7, "stdout", text, partial=partial) == encode_lines([*whole, replace(last, partial=partial)])
