"""The archive's files as the disk has them: modes, crashes, a full disk, a hostile worker."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from brignb.archive.files import FileArchive
from brignb.archive.seam import JOURNAL, RECORD, WORKER
from brignb.errors import Unavailable

BUILD = "01JV3ZQ8M4T7Y2K9R5W6X0ABCD"
OTHER = "01JV3ZQ8M4T7Y2K9R5W6X0ABCE"
JOB = "build-01jv3zq8m4t7y2k9r5w6x0abcd"


@pytest.fixture
def builds(tmp_path):
    return tmp_path / "home" / "builds"


@pytest.fixture
def archive(builds):
    return FileArchive(builds)


def test_files_are_where_the_contract_has_them(archive, builds):
    """People look for them there ("Home")."""
    archive.append(BUILD, WORKER, 0, b"w")
    archive.append(BUILD, JOURNAL, 0, b"j")
    archive.append(BUILD, JOB, 0, b"l")
    archive.put(BUILD, RECORD, b"{}")
    archive.spill(BUILD, "cell-1.txt", b"s")
    found = {str(path.relative_to(builds / BUILD)) for path in builds.rglob("*") if path.is_file()}
    assert found == {"log", "journal", f"jobs/{JOB}/log", "record.ipynb", "spill/cell-1.txt"}


def test_nobody_else_may_read(archive, builds):
    """Whatever the umask."""
    before = os.umask(0)
    try:
        archive.append(BUILD, JOB, 0, b"l")
        archive.put(BUILD, RECORD, b"{}")
        archive.spill(BUILD, "a", b"s")
    finally:
        os.umask(before)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [builds, *builds.rglob("*")]}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}


def test_no_descriptor_stays_open(archive):
    """Ten thousand builds must not cost ten thousand descriptors."""
    before = len([*Path("/proc/self/fd").iterdir()])
    for number in range(50):
        archive.append(BUILD, WORKER, number, b"x")
        archive.put(BUILD, RECORD, b"{}")
        archive.get(OTHER, RECORD)
    assert len([*Path("/proc/self/fd").iterdir()]) == before


FULL = """
import resource, signal, sys
from pathlib import Path
from brignb.archive.files import FileArchive
from brignb.archive.seam import RECORD, WORKER
from brignb.errors import Unavailable
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
archive = FileArchive(Path(sys.argv[1]))
archive.append(sys.argv[2], WORKER, 0, b"x" * 100)
archive.put(sys.argv[2], RECORD, b"old")
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
for call in (lambda: archive.append(sys.argv[2], WORKER, 100, b"y" * 5000), lambda: archive.put(sys.argv[2], RECORD, b"z" * 5000)):
    try:
        call()
    except Unavailable:
        print("unavailable")
"""


def test_a_full_disk_is_said_and_leaves_nothing_half(archive, builds):
    """A limit on the file's size stands for the disk: writes come back short, then fail, as with ENOSPC."""
    done = subprocess.run([sys.executable, "-c", FULL, builds, BUILD], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["unavailable", "unavailable"]
    assert archive.read(BUILD, WORKER) == b"x" * 100
    assert archive.get(BUILD, RECORD) == b"old"
    assert sorted(path.name for path in (builds / BUILD).iterdir()) == ["log", "record.ipynb"]


PUTTER = """
import itertools, sys
from pathlib import Path
from brignb.archive.files import FileArchive
archive = FileArchive(Path(sys.argv[1]))
for number in itertools.count():
    archive.put(sys.argv[2], "record.ipynb", bytes([65 + number % 26]) * 200_000)
    print(number, flush=True)
"""


def test_a_killed_writer_leaves_a_whole_document(archive, builds):
    """Worker processes are killed at any moment."""
    with subprocess.Popen([sys.executable, "-c", PUTTER, builds, BUILD], stdout=subprocess.PIPE) as putter:
        for _ in range(5):
            putter.stdout.readline()
        putter.send_signal(signal.SIGKILL)
    record = archive.get(BUILD, RECORD)
    assert len(record) == 200_000
    assert len(set(record)) == 1


def test_a_torn_line_can_be_ended(archive):
    """What the seam tells the next writer to do."""
    size = archive.append(BUILD, WORKER, 0, b"whole\nto")
    assert archive.read(BUILD, WORKER, size - 1, 1) != b"\n"
    size = archive.append(BUILD, WORKER, size, b"\n")
    archive.append(BUILD, WORKER, size, b"next\n")
    assert archive.read(BUILD, WORKER) == b"whole\nto\nnext\n"


def test_a_link_shows_nothing_of_other_builds(archive, builds):
    """A worker can write in its own folder, and would like to read another project's log through the server."""
    archive.append(OTHER, WORKER, 0, b"theirs")
    archive.append(OTHER, JOB, 0, b"theirs")
    (builds / BUILD / "jobs").mkdir(parents=True)
    (builds / BUILD / "log").symlink_to(builds / OTHER / "log")
    (builds / BUILD / "record.ipynb").symlink_to(builds / OTHER / "log")
    (builds / BUILD / "jobs" / JOB).symlink_to(builds / OTHER)
    for look in (
        lambda: archive.read(BUILD, WORKER),
        lambda: archive.size(BUILD, WORKER),
        lambda: archive.get(BUILD, RECORD),
        lambda: archive.read(BUILD, JOB),
        lambda: archive.append(BUILD, WORKER, 0, b"x"),
    ):
        with pytest.raises(Unavailable):
            look()
    assert archive.read(OTHER, WORKER) == b"theirs"


def test_a_pipe_in_place_of_a_log_holds_nobody_up(archive, builds):
    """Opening one would wait for its other end for ever."""
    (builds / BUILD).mkdir(parents=True)
    os.mkfifo(builds / BUILD / "log")
    with pytest.raises(Unavailable):
        archive.read(BUILD, WORKER)
    with pytest.raises(Unavailable):
        archive.append(BUILD, WORKER, 0, b"x")


def test_forgetting_does_not_follow_links(archive, builds):
    """Retention runs with the server's rights."""
    archive.append(OTHER, WORKER, 0, b"theirs")
    (builds / BUILD).mkdir()
    (builds / BUILD / "elsewhere").symlink_to(builds / OTHER)
    archive.forget([BUILD])
    assert archive.read(OTHER, WORKER) == b"theirs"
