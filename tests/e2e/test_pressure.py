"""A thousand events at once, a full disk, a clock that jumps: nothing is lost, nothing stays stuck, and what ended is told truly."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from e2e.conftest import Server
from e2e.witness import Witness

pytestmark = pytest.mark.slow

BURST = 1000
FAKETIME = [*Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")]


def test_of_a_burst_of_a_thousand_events_none_is_lost_and_memory_stays_bounded(own_server, repository, pipeline):
    """Waiting builds wait in the database, not in the server."""
    own_server.create(pipeline.file("tests/burst", repository.url))
    with Witness() as witness:
        commit = repository.commit(pipeline.notebook(witness.cell))
        own_server.ended(own_server.push("tests/burst", commit, number=0).json()["build"])
        before = psutil.Process(own_server.process.pid).memory_info().rss
        with ThreadPoolExecutor(16) as senders:
            answers = senders.map(lambda n: own_server.push("tests/burst", commit, number=n), range(1, BURST + 1))
            builds = [answer.json()["build"] for answer in answers]
        states = Counter(own_server.ended(build)["state"] for build in builds)
        after = psutil.Process(own_server.process.pid).memory_info().rss
    assert states == {"succeeded": BURST}
    assert set(witness.counts("ended").values()) == {1}
    assert after - before < 64 * 1024 * 1024


@pytest.fixture
def small_disk(tmp_path):
    """A home whose builds have 8 MiB of disk."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    builds = tmp_path / "home" / "builds"
    builds.mkdir(parents=True, mode=0o700)
    (tmp_path / "home").chmod(0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", builds], check=True)
    running = Server(tmp_path / "home").start()
    yield running
    running.stop()
    subprocess.run(["umount", builds], check=True)


def test_a_full_disk_fails_the_build_that_filled_it_and_the_next_one_goes_on(small_disk, repository, pipeline):
    """The record's disk runs full in the middle of a cell."""
    small_disk.create(pipeline.file("tests/disk", repository.url))
    loud = repository.commit(pipeline.notebook("print('begin')", "for _ in range(200):\n    print('x' * 100_000)"))
    build = small_disk.ended(small_disk.push("tests/disk", loud).json()["build"])
    assert (build["state"], build["reason"]) == ("failed", "unavailable"), build
    assert "No space left on device" in build["message"]
    first, second, *_debugging = small_disk.record(build["id"])["cells"]
    assert "".join(first["outputs"][0]["text"]) == "begin\n"
    assert (second["metadata"]["brignb"]["status"], "x" * 100_000 in "".join(second["outputs"][0]["text"])) == (
        "killed",
        True,
    )
    shutil.rmtree(small_disk.home / "builds" / build["id"])  # what an operator does, or the retention
    quiet = repository.commit(pipeline.notebook("print('goes on')"))
    assert small_disk.ended(small_disk.push("tests/disk", quiet).json()["build"])["state"] == "succeeded"


def test_a_clock_that_jumps_changes_no_build(tmp_path, repository, pipeline, monkeypatch):
    """Days back and forth while builds run: nothing waits by the time of day."""
    if not FAKETIME:
        pytest.skip("libfaketime is not installed")
    clock = tmp_path / "clock"
    clock.write_text("+0")
    monkeypatch.setenv("LD_PRELOAD", str(FAKETIME[0]))
    monkeypatch.setenv("FAKETIME_TIMESTAMP_FILE", str(clock))
    monkeypatch.setenv("FAKETIME_NO_CACHE", "1")
    monkeypatch.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")  # which no machine's clock does
    server = Server(tmp_path / "home").start()
    monkeypatch.delenv("LD_PRELOAD")
    try:
        server.create(pipeline.file("tests/clock", repository.url))
        with Witness() as witness:
            commit = repository.commit(pipeline.notebook(witness.cell, "import time\ntime.sleep(0.05)"))
            builds = []
            for number, offset in enumerate(["+0", "-1d", "+1d", "-1h", "+30d"] * 6):
                clock.write_text(offset)
                builds.append(server.push("tests/clock", commit, number=number).json()["build"])
            facts = [server.ended(build) for build in builds]
        assert Counter(build["state"] for build in facts) == {"succeeded": len(builds)}
        assert set(witness.counts("ended").values()) == {1}
        assert len({build["created_at"][:10] for build in facts}) >= 3, "the clock did jump"
    finally:
        server.stop()


def _group() -> Path | None:
    """A new control group of 400 MiB, version 1 or 2; None where none can be made."""
    for parent, limit in (("memory", "memory.limit_in_bytes"), (".", "memory.max")):
        group = Path("/sys/fs/cgroup") / parent / f"brignb-test-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        if (group / limit).exists():
            (group / limit).write_text("400M")
            return group
        group.rmdir()
    return None


@pytest.fixture
def little_memory():
    """A function that puts processes into a control group of 400 MiB."""
    group = _group()
    if group is None:
        pytest.skip("no control group can be made here")
    yield lambda pid: (group / "cgroup.procs").write_text(str(pid))
    group.rmdir()


def test_a_worker_that_the_machine_kills_for_its_memory_is_told_so(little_memory, own_server, repository, pipeline):
    """And the server, which is in the same control group, lives: a build goes first."""
    own_server.create(pipeline.file("tests/memory", repository.url))
    greedy = repository.commit(pipeline.notebook("print('begin')", "held = bytearray(2**30)", "print('never')"))
    server = psutil.Process(own_server.process.pid)
    for process in [server, *server.children(recursive=True)]:
        little_memory(process.pid)
    build = own_server.ended(own_server.push("tests/memory", greedy).json()["build"])
    assert (build["state"], build["reason"]) == ("lost", "worker_died")
    assert "out of memory" in build["message"]
    statuses = [
        cell["metadata"]["brignb"]["status"]
        for cell in own_server.record(build["id"])["cells"]
        if cell["cell_type"] == "code"
    ]
    assert statuses == ["completed", "killed", "never-run"]
    quiet = repository.commit(pipeline.notebook("print('goes on')"))
    assert own_server.ended(own_server.push("tests/memory", quiet).json()["build"])["state"] == "succeeded"
    own_server.stop()
