"""The author's files are copied for jobs, kept up to date, and never touched."""

import subprocess
from pathlib import Path

import pytest

from brignb.errors import SourceError
from brignb.source.copying import WorkCopy


def git(folder: Path, *args: str) -> str:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    return subprocess.run(["git", "-C", folder, *who, *args], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def work_tree(tmp_path):
    top = tmp_path / "author"
    (top / "sub").mkdir(parents=True)
    git(top, "init", "-q")
    (top / "kept.txt").write_text("committed")
    git(top, "add", ".")
    git(top, "commit", "-qm", "first")
    (top / "kept.txt").write_text("edited")
    (top / "new.txt").write_text("untracked")
    (top / "secret.env").write_text("ignored")
    (top / ".gitignore").write_text("*.env\n")
    return top


def test_a_work_tree_comes_with_its_edits_and_its_history_but_not_with_what_is_ignored(work_tree, tmp_path):
    copy = WorkCopy(work_tree / "sub", tmp_path / "copy").refresh()

    assert (copy / "kept.txt").read_text() == "edited"
    assert (copy / "new.txt").read_text() == "untracked"
    assert not (copy / "secret.env").exists()
    assert "first" in git(copy, "log", "--oneline")
    assert " M kept.txt" in git(copy, "status", "--porcelain")


def test_a_refresh_brings_edits_in_and_leaves_what_jobs_made(work_tree, tmp_path):
    source = WorkCopy(work_tree, tmp_path / "copy")
    copy = source.refresh()
    (copy / "made-by-a-job.txt").write_text("x")
    (work_tree / "new.txt").unlink()
    (work_tree / "kept.txt").write_text("edited again")

    source.refresh()

    assert (copy / "kept.txt").read_text() == "edited again"
    assert (copy / "made-by-a-job.txt").exists()
    assert not (copy / "new.txt").exists()


def test_a_job_that_wrecks_its_copy_harms_nothing_of_the_authors(work_tree, tmp_path):
    copy = WorkCopy(work_tree, tmp_path / "copy").refresh()
    subprocess.run(["rm", "-rf", copy / ".git", copy / "kept.txt"], check=True)

    assert (work_tree / "kept.txt").read_text() == "edited"
    assert git(work_tree, "fsck").strip() == ""


def test_a_folder_without_git_becomes_a_work_tree(tmp_path):
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "a.txt").write_text("a")

    copy = WorkCopy(plain, tmp_path / "copy").refresh()

    assert git(copy, "status", "--porcelain") == ""
    assert (copy / "a.txt").read_text() == "a"


def test_too_much_is_an_error_that_says_what_to_do(work_tree, tmp_path):
    with pytest.raises(SourceError, match="more than") as error:
        WorkCopy(work_tree, tmp_path / "copy", limit=5).refresh()

    assert error.value.reason == "source_too_large"
    assert ".gitignore" in error.value.hint
    assert not (tmp_path / "copy").exists()
