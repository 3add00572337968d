"""Artifacts as one file: what a worker may have put in their place is not followed."""

import io
import os
import tarfile

import pytest

from brignb.archive.artifacts import pack_artifacts

BUILD, JOB = "01JAAAAAAAAAAAAAAAAAAAAAAA", "build-01jaaaaaaaaaaaaaaaaaaaaaaa"


@pytest.fixture
def kept(tmp_path):
    folder = tmp_path / BUILD / "artifacts" / JOB
    (folder / "dist").mkdir(parents=True)
    (folder / "dist" / "a.whl").write_bytes(b"wheel")
    return folder


def packed(builds, build=BUILD, job=JOB):
    file = io.BytesIO()
    if not pack_artifacts(builds, build, job, file):
        return None
    file.seek(0)
    with tarfile.open(fileobj=file) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive.getmembers()}


def test_files_come_with_their_paths(tmp_path, kept):
    assert packed(tmp_path) == {"dist/a.whl": b"wheel"}


def test_only_plain_files_are_taken(tmp_path, kept):
    """A link to the server's key, a pipe that would hold it up, a folder that is somewhere else."""
    (tmp_path / "key").write_text("the key")
    (kept / "key").symlink_to(tmp_path / "key")
    (kept / "home").symlink_to(tmp_path)
    os.mkfifo(kept / "pipe")
    assert packed(tmp_path) == {"dist/a.whl": b"wheel"}


def test_no_link_on_the_way_is_followed(tmp_path, kept):
    other = "test-01jaaaaaaaaaaaaaaaaaaaaaaa"
    kept.with_name(other).symlink_to(kept)
    assert packed(tmp_path, job=other) is None


@pytest.mark.parametrize(
    ("build", "job"), [(BUILD, "../../x"), ("..", JOB), (BUILD, "gone-01jaaaaaaaaaaaaaaaaaaaaaaa")]
)
def test_what_is_not_there_is_nothing(tmp_path, kept, build, job):
    assert packed(tmp_path, build, job) is None
