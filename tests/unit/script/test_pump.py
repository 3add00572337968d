"""From lines to the archive: nothing secret, nothing lost, nothing beyond the cap."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brignb.archive.files import FileArchive
from brignb.model.logs import LogLine, decode_lines
from brignb.model.redaction import Redactor
from brignb.script.pump import Pump
from brignb.script.reading import Reader, read_text
from brignb.script.session import Session
from brignb.script.tail import TAIL_LINE, Tail

JOB = "x-01kf000000000000000000000a"
SECRET = "correct-horse-battery"


def line(text: str, *, stream: str = "stdout", partial: bool = False, at: int = 1000) -> LogLine:
    return LogLine(at, stream, text, partial=partial)


@pytest.fixture
def kept(session):
    """What is in the archive."""
    return lambda: decode_lines(session.archive.read(session.build_id, JOB))


def test_lines_are_kept_and_told(session, heard, kept) -> None:
    """A follower is told of a size that it can read up to."""
    grown: list[int] = []
    pump = Pump(session, JOB, lambda: grown.append(session.archive.size(session.build_id, JOB)))
    pump.take([line("one"), line("two", stream="stderr")])
    assert kept() == [line("one"), line("two", stream="stderr")]
    assert heard.sizes == [(JOB, grown[0])]


def test_secret_across_parts_of_a_line(session, kept) -> None:
    """The parts of a line come one by one; neither of them is the secret."""
    session.redactor = Redactor([SECRET])
    pump = Pump(session, JOB, lambda: None)
    pump.take([line("is correct-horse", partial=True), line("other", stream="stderr")])
    pump.take([line("-battery here")])
    pump.end()
    assert "correct-horse" not in str(kept())
    assert "".join(each.text for each in kept() if each.stream == "stdout") == "is REDACTED here"


def test_beginning_of_a_secret_is_kept_back_until_the_end(session, kept) -> None:
    """What only looked like one is written in the end: no line is lost."""
    session.redactor = Redactor([SECRET])
    pump = Pump(session, JOB, lambda: None)
    pump.take([line("correct-h", partial=True)])
    assert kept() == []
    pump.end()
    assert [each.text for each in kept()] == ["correct-h"]


def test_cap_is_marked_where_it_cuts(session, kept) -> None:
    """A log has one end; the mark counts what is missing, and the tail knows the real end."""
    one = len(line("x" * 50).encode())
    session.log_cap = 3 * one
    pump = Pump(session, JOB, lambda: None)
    pump.take([line(str(n % 10) * 50) for n in range(5)])
    pump.take([line("short")])
    pump.end()
    texts = [each.text for each in kept()]
    cut = 2 * one + len(line("short").encode())
    assert texts[:3] == ["0" * 50, "1" * 50, "2" * 50]
    assert texts[3:] == [f"[brignb: cut, {cut} bytes, rest in nothing: the cap is {3 * one} bytes]"]
    assert pump.tail()[-1] == "short"
    assert read_text(session.archive, session.build_id, JOB).splitlines() == texts


def test_torn_line_is_healed(session, kept) -> None:
    """A killed writer left half a line; the next one must not be glued to it."""
    session.archive.append(session.build_id, JOB, 0, b"1970-01-01T00:00:01.000Z stdout F hal")
    pump = Pump(session, JOB, lambda: None)
    pump.take([line("whole")])
    assert [each.text for each in kept()] == ["hal", "whole"]


def test_own_lines_are_redacted(session, kept) -> None:
    """Even brignb's own words may hold a value of the author's."""
    session.redactor = Redactor([SECRET])
    Pump(session, JOB, lambda: None).say(f"image: {SECRET}")
    assert kept()[0].text == "image: REDACTED"


@given(
    pieces=st.lists(st.sampled_from(["correct", "-horse", "-battery", "a", " ", SECRET]), max_size=12),
    cuts=st.lists(st.booleans(), min_size=12, max_size=12),
)
def test_no_cut_lets_a_secret_through(tmp_path_factory, pieces, cuts) -> None:
    """However a line falls into parts, no reader sees the value, and everything else is there."""
    folder = tmp_path_factory.mktemp("archive")
    session = Session(
        build_id="01KF0000000000000000000000",
        build_ms=0,
        project_name="a/b",
        secrets={},
        executor=None,  # a pump has nothing to do with it
        archive=FileArchive(folder),
        redactor=Redactor([SECRET]),
        source=lambda: None,
    )
    pump = Pump(session, JOB, lambda: None)
    for piece, cut in zip(pieces, cuts, strict=False):
        pump.take([line(piece, partial=True)])
        if cut:
            pump.take([line("")])
    pump.end()
    seen = read_text(session.archive, session.build_id, JOB)
    written = "".join(piece + ("\n" if cut else "") for piece, cut in zip(pieces, cuts, strict=False))
    assert SECRET not in seen
    assert seen == written.replace(SECRET, "REDACTED")


def test_tries_are_read_one_after_the_other(session) -> None:
    """A first try whose log is long must not be mixed with the second's."""
    first, second = Pump(session, JOB, lambda: None), Pump(session, "y-" + JOB[2:], lambda: None)
    first.take([line("a" * 1000, at=n) for n in range(1000)])
    second.take([line("b", at=5000)])
    reader, seen = Reader(session.archive, session.build_id), []
    while found := reader.read([JOB, "y-" + JOB[2:]]):
        seen += found
    assert seen == ["a" * 1000] * 1000 + ["b"]


def test_tail_joins_parts_and_shows_what_a_terminal_would() -> None:
    """Progress bars, colours and endless lines would drown an exception."""
    tail = Tail()
    tail.add("stdout", "0%\r50%\r", partial=True)
    tail.add("stderr", "between", partial=False)
    tail.add("stdout", "100%\r", partial=False)
    tail.add("stdout", "\x1b[31mred\x1b[0m \x1b]0;title\x07text", partial=False)
    tail.add("stdout", "x" * 5_000_000, partial=False)
    assert tail.lines() == ("100%", "between", "red text", "x" * TAIL_LINE + "…")
