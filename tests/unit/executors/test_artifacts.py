"""Copies in and out of folders that jobs write."""

from __future__ import annotations

import os

import pytest

from brignb.executors.artifacts import bring, collect, leaves


@pytest.mark.parametrize("glob", ["", ".", "/etc/passwd", "../x", "a/../../x", "a/.."])
def test_globs_that_leave(glob):
    """They are refused before the job starts."""
    assert leaves(glob)


@pytest.mark.parametrize("glob", ["a", "*.whl", "**/x", "a..b", ".hidden"])
def test_globs_that_stay(glob):
    """Dots alone are no harm."""
    assert not leaves(glob)


def test_what_matches_twice_is_kept_once(tmp_path):
    """Globs overlap."""
    source, kept = tmp_path / "source", tmp_path / "kept"
    (source / "a").mkdir(parents=True)
    (source / "a" / "b").write_text("b")
    assert collect(source, ["a", "a/b", "**/b"], kept).paths == ("a/b",)
    assert (kept / "a" / "b").read_text() == "b"


def test_a_link_within_becomes_the_file(tmp_path):
    """`latest -> v1` is of use only with what it names."""
    source, kept = tmp_path / "source", tmp_path / "kept"
    source.mkdir()
    (source / "v1").write_text("1")
    (source / "latest").symlink_to("v1")
    assert collect(source, ["latest"], kept).paths == ("latest",)
    assert not (kept / "latest").is_symlink()


def test_a_pipe_is_left(tmp_path):
    """Reading it would wait for ever."""
    source, kept = tmp_path / "source", tmp_path / "kept"
    (source / "d").mkdir(parents=True)
    os.mkfifo(source / "d" / "pipe")
    (source / "d" / "file").touch()
    assert collect(source, ["d"], kept).paths == ("d/file",)


def test_modes_are_kept(tmp_path):
    """A program stays one."""
    source, kept, again = tmp_path / "source", tmp_path / "kept", tmp_path / "again"
    source.mkdir()
    again.mkdir()
    (source / "program").touch(0o755)
    collect(source, ["program"], kept)
    assert bring([kept], again) == []
    assert (again / "program").stat().st_mode & 0o777 == 0o755


def test_inputs_replace_what_is_there_and_follow_no_link(tmp_path):
    """The source is a job's to write: a link in it must not lead our copy elsewhere."""
    kept, source, outside = tmp_path / "kept", tmp_path / "source", tmp_path / "outside"
    for folder in (kept / "dist", source, outside):
        folder.mkdir(parents=True)
    (kept / "dist" / "a").write_text("new")
    (kept / "top").write_text("new")
    (outside / "a").write_text("old")
    (source / "top").symlink_to(outside / "a")
    (source / "dist").symlink_to(outside)
    problems = bring([kept], source)
    assert (outside / "a").read_text() == "old"
    assert (source / "top").read_text() == "new"
    assert len(problems) == 1
    assert "dist/a" in problems[0]


def test_a_job_without_artifacts_brings_nothing(tmp_path):
    """Not everybody leaves some."""
    assert bring([tmp_path / "none"], tmp_path) == []
