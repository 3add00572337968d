"""What a job may have put where its outputs should be."""

from __future__ import annotations

import os

import pytest

from brignb.executors.outputs import OUTPUT_MAX, parse_outputs, read_outputs


def test_pairs():
    """The last of a name counts; a value may hold `=` and be empty."""
    read = parse_outputs("A=1\nB=x=y\n\nA=2\nC=\n")
    assert read.values == {"A": "2", "B": "x=y", "C": ""}
    assert read.problems == ()


def test_a_value_of_several_lines():
    """As GitHub's actions write it; its lines are not looked into."""
    read = parse_outputs("N<<EOF\na=b\n\n c \nEOF\nM=1")
    assert read.values == {"N": "a=b\n\n c ", "M": "1"}
    assert parse_outputs("N<<EOF\nEOF").values == {"N": ""}


def test_a_value_without_its_mark_is_told():
    """It takes the rest, since nobody knows where it ends."""
    read = parse_outputs("N<<EOF\na\nb\n")
    assert read.values == {"N": "a\nb"}
    assert "line 1" in read.problems[0]


@pytest.mark.parametrize("line", ["no pair", "=x", "1A=x", "A B=x", "ä=x", " A=x", "export A=x"])
def test_a_line_that_is_none_is_told_by_its_number_only(line):
    """Its text may be a secret."""
    read = parse_outputs(f"A=1\n{line}\nB=2")
    assert read.values == {"A": "1", "B": "2"}
    assert read.problems == ("$BRIGNB_OUTPUT, line 2: not NAME=value",)


def test_too_much_is_cut_and_told(tmp_path):
    """A job must not fill the worker's memory here."""
    file = tmp_path / "output"
    file.write_bytes(b"A=1\n" + b"B=" + b"x" * 2 * OUTPUT_MAX)
    read = read_outputs(file)
    assert read.values["A"] == "1"
    assert len(read.values["B"]) < OUTPUT_MAX
    assert "cut" in read.problems[-1]


def test_what_is_no_file_is_told_and_holds_nobody_up(tmp_path):
    """The job owns the place: it may be gone, a link to a secret, a pipe without a writer, a folder."""
    secret = tmp_path / "secret"
    secret.write_text("A=1")
    link, pipe = tmp_path / "link", tmp_path / "pipe"
    link.symlink_to(secret)
    os.mkfifo(pipe)
    for place in (tmp_path / "gone", link, pipe, tmp_path):
        read = read_outputs(place)
        assert read.values == {}
        assert len(read.problems) == 1


def test_bytes_that_are_no_text_are_marked(tmp_path):
    """They must not fail the job."""
    (tmp_path / "o").write_bytes(b"A=\xff\n")
    assert read_outputs(tmp_path / "o").values == {"A": "\ufffd"}
