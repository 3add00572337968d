"""Moving a build that has ended: whoever reads, reads the same before, while and after; a move that was cut off begins anew."""

from __future__ import annotations

import io

import pytest

from brignb.archive.files import FileArchive
from brignb.archive.follow import Follower
from brignb.archive.places import TwoPlaces
from brignb.archive.seam import JOURNAL, RECORD, WORKER, WORKER_NOTEBOOK
from brignb.errors import Unavailable
from brignb.model.logs import LogLine

BUILD = "01JV3ZQ8M4T7Y2K9R5W6X0ABCD"
JOB = "build-01jv3zq8m4t7y2k9r5w6x0abcd"


@pytest.fixture
def near(tmp_path):
    return FileArchive(tmp_path / "near")


@pytest.fixture
def far(tmp_path):
    """In its manners the same as any other; the conformance suite says so."""
    return FileArchive(tmp_path / "far")


@pytest.fixture
def archive(near, far):
    archive = TwoPlaces(near, far)
    archive.append(BUILD, WORKER, 0, b"".join(LogLine(n, "stdout", f"line {n}").encode() for n in range(1000)))
    archive.append(BUILD, JOB, 0, b"x" * 3_000_000)
    archive.append(BUILD, JOURNAL, 0, b"{}\n")
    archive.put(BUILD, WORKER_NOTEBOOK, b"{}")
    archive.put(BUILD, RECORD, b"{}" * 1_000_000)
    archive.spill(BUILD, "cell-1.txt", b"y" * 3_000_000)
    return archive


def everything(archive):
    streams = {stream: archive.read(BUILD, stream) for stream in (WORKER, JOB, JOURNAL)}
    return streams, {name: archive.get(BUILD, name) for name in (WORKER_NOTEBOOK, RECORD)}


def test_all_of_it_is_moved_and_reads_the_same(archive, near, far):
    before = everything(archive)
    assert archive.quick(BUILD)
    archive.settle(BUILD)
    assert everything(archive) == everything(far) == before
    assert far.side_files(BUILD) == ("cell-1.txt",)
    assert b"".join(far.side_file(BUILD, "cell-1.txt", piece=1 << 20, most=1 << 30)) == b"y" * 3_000_000
    assert (near.builds(), archive.builds(), archive.unsettled()) == ((), (BUILD,), ())
    assert not archive.quick(BUILD)
    archive.settle(BUILD)
    assert everything(archive) == before


def test_a_follower_goes_on_over_the_move(archive):
    """Its cursor is offsets, which are the same in both places."""
    follower = Follower(archive, BUILD)
    follower.add(WORKER, WORKER)
    first = follower.read()
    archive.settle(BUILD)
    again = Follower(archive, BUILD, cursor=first[499].cursor)
    again.add(WORKER, WORKER)
    assert [told.line.text for told in again.read()] == [f"line {n}" for n in range(500, 1000)]
    assert follower.read() == []


def test_a_move_that_was_cut_off_begins_anew(archive, far, monkeypatch):
    """Meanwhile all is read where it was."""
    before = everything(archive)

    def fail(*_args):
        raise Unavailable("the database is away")

    monkeypatch.setattr(far, "spill", fail)
    with pytest.raises(Unavailable):
        archive.settle(BUILD)
    assert everything(archive) == before
    monkeypatch.undo()
    archive.settle(BUILD)
    assert everything(archive) == before
    assert b"".join(far.side_file(BUILD, "cell-1.txt", piece=1 << 20, most=1 << 30)) == b"y" * 3_000_000


def test_what_a_kill_left_of_a_folder_goes(archive, near, tmp_path):
    """Between the two steps of forgetting: nobody reads it any more, and the next move takes it away."""
    (tmp_path / "near" / BUILD).rename(tmp_path / "near" / f".{BUILD}")
    assert near.size(BUILD, WORKER) == 0
    assert archive.unsettled() == (BUILD,)
    archive.settle(BUILD)
    assert list((tmp_path / "near").iterdir()) == []


def test_what_jobs_left_for_others_is_moved_too(archive, near, tmp_path):
    """As tar archives, of which a reader sees no difference."""
    left = tmp_path / "near" / BUILD / "artifacts" / JOB
    left.mkdir(parents=True)
    (left / "wheel.whl").write_bytes(b"w" * 2_000_000)
    before, after, none = io.BytesIO(), io.BytesIO(), io.BytesIO()
    assert archive.artifacts(BUILD, JOB, before)
    archive.settle(BUILD)
    assert archive.artifacts(BUILD, JOB, after)
    assert before.getvalue() == after.getvalue()
    assert not archive.artifacts(BUILD, JOB.replace("build", "other"), none)


def test_what_a_worker_put_there_does_not_lead_elsewhere(archive, far, tmp_path):
    """Its folder is its own to write: links and strange names are not followed, nor moved."""
    secret = tmp_path / "key"
    secret.write_bytes(b"secret")
    folder = tmp_path / "near" / BUILD
    (folder / "spill" / "link.txt").symlink_to(secret)
    (folder / "jobs" / "..%2f").mkdir()
    with pytest.raises(Unavailable):
        archive.settle(BUILD)
    (folder / "spill" / "link.txt").unlink()
    archive.settle(BUILD)
    assert far.streams(BUILD) == (WORKER, JOURNAL, JOB)
