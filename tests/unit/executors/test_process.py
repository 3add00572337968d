"""What is the process executor's alone: its containers' own failures, and its corners."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time

import pytest

from brignb.errors import JobRefused
from brignb.executors import sandbox
from brignb.executors.process import ProcessExecutor
from brignb.model.builds import State
from brignb.model.jobs import Cache, JobSpec, Storage

needs_bubblewrap = pytest.mark.skipif(sandbox.why_not() is not None, reason=str(sandbox.why_not()))


def _now() -> int:
    return int(time.time() * 1000)


def _spec(*tasks: str, **fields) -> JobSpec:
    ids = {"id": "job-01jv3zq8m4t7y2k9r5w6x0abcd", "build_id": "01JV3ZQ8M4T7Y2K9R5W6X0ABCD"}
    return JobSpec(name="job", project="owner/repo", tasks=tasks, **{**ids, **fields})


@pytest.fixture
async def executor(tmp_path):
    executor = ProcessExecutor(tmp_path / "work", now_ms=_now, cache=None, sandboxed=sandbox.why_not() is None)
    yield executor
    await executor.close()


@pytest.fixture
async def plain(tmp_path):
    executor = ProcessExecutor(tmp_path / "work", now_ms=_now, cache=None, sandboxed=False)
    yield executor
    await executor.close()


async def _lines(executor, job: str) -> list[str]:
    return [line.text async for batch in executor.logs(job) for line in batch]


async def test_a_cache_needs_a_folder(executor):
    """`brignb run` may have none; a cache that is thrown away would be a lie."""
    with pytest.raises(JobRefused, match="cache: there is no folder"):
        await executor.start(_spec("true", cache=Cache(enabled=True)))


async def test_a_missing_source_is_refused_and_not_made(executor, tmp_path):
    """The executor makes its own folders only."""
    with pytest.raises(JobRefused, match="source"):
        await executor.start(_spec("true", source=str(tmp_path / "gone")))
    assert not (tmp_path / "gone").exists()


async def test_arguments_beyond_the_systems_limit_are_refused(executor):
    """Linux takes 128 KiB for one."""
    with pytest.raises(JobRefused, match="Argument list too long"):
        await executor.start(_spec("true", args=("x" * 200_000,)))


async def test_a_refused_id_can_be_started_when_its_cause_is_gone(executor, tmp_path):
    """Nothing of the first attempt is in the way."""
    spec = _spec("echo here", source=str(tmp_path / "source"))
    with pytest.raises(JobRefused):
        await executor.start(spec)
    (tmp_path / "source").mkdir()
    await executor.start(spec)
    assert (await executor.wait(spec.id)).succeeded


@needs_bubblewrap
async def test_a_sandbox_that_cannot_be_made_is_told_in_the_log(executor, tmp_path):
    """A folder cannot stand where the machine has a file; bubblewrap says so, and it is no exit code of the job."""
    spec = _spec("true", source=str(tmp_path), mount_path="/etc/passwd")
    await executor.start(spec)
    status = await executor.wait(spec.id)
    assert (status.state, status.reason, status.exit_code) == (State.FAILED, "start", None)
    assert any("bwrap" in line for line in await _lines(executor, spec.id))


@needs_bubblewrap
async def test_a_sandbox_that_met_a_vanishing_mount_is_made_again(executor, tmp_path, monkeypatch):
    """Seen beside containerd, whose containers' mounts come and go: the job had not begun, and runs once."""
    stand_in = tmp_path / "bin" / "bwrap"
    stand_in.parent.mkdir()
    words = "bwrap: Unable to apply mount flags: remount /newroot/var/x: No such file or directory"
    once = f'test -e {tmp_path}/met && exec {shutil.which("bwrap")} "$@"'
    stand_in.write_text(f"#!/bin/sh\n{once}\ntouch {tmp_path}/met\necho '{words}' >&2\nexit 1\n")
    stand_in.chmod(0o700)
    monkeypatch.setenv("PATH", f"{stand_in.parent}:{os.environ['PATH']}")
    await executor.start(spec := _spec("echo once"))
    assert (await executor.wait(spec.id)).succeeded
    assert "once" in await _lines(executor, spec.id)
    assert (tmp_path / "met").exists()


async def test_a_place_below_a_file_is_refused(executor):
    """The same, found earlier."""
    if sandbox.why_not():
        pytest.skip("without a sandbox nothing is mounted")
    with pytest.raises(JobRefused, match="Not a directory"):
        await executor.start(_spec("true", storage=Storage(enabled=True, path="/etc/passwd/deep")))


@needs_bubblewrap
async def test_a_job_whose_container_was_killed_is_lost(executor):
    """By the kernel, out of memory, say: nobody knows how the job would have ended."""
    spec = _spec("echo up", "sleep 1000.9375")
    await executor.start(spec)
    async for _ in executor.logs(spec.id):
        break
    os.kill(executor._runs[spec.id]._contained._transport.get_pid(), signal.SIGKILL)
    status = await executor.wait(spec.id)
    assert (status.state, status.exit_code) == (State.LOST, None)


@pytest.mark.slow
@pytest.mark.parametrize("sandboxed", [pytest.param(True, marks=needs_bubblewrap), False])
async def test_a_job_that_is_canceled_while_it_begins_needs_no_grace(tmp_path, sandboxed):
    """Whoever was there before its program heard no SIGTERM, and the job slept until SIGKILL: here, for an hour."""
    executor = ProcessExecutor(tmp_path / "work", now_ms=_now, cache=None, sandboxed=sandboxed, grace=3600)
    for moment in range(20):
        spec = _spec("sleep 1000.84375", id=f"job-01jv3zq8m4t7y2k9r5w6x0{moment:04}")
        await executor.start(spec)
        await asyncio.sleep(moment / 1000)  # another moment of its begin each time
        async with asyncio.timeout(60):
            await executor.cancel(spec.id)
        assert (await executor.status(spec.id)).state is State.CANCELED
    await executor.close()


async def test_a_sandbox_that_was_asked_for_must_work(tmp_path, monkeypatch):
    """Jobs must not run without one in silence."""
    monkeypatch.setattr(sandbox, "why_not", lambda: "the kernel refuses")
    with pytest.raises(ValueError, match="the kernel refuses"):
        ProcessExecutor(tmp_path, now_ms=_now, cache=None, sandboxed=True)


async def test_without_a_sandbox_the_job_is_told_what_is_elsewhere(plain, tmp_path):
    """And where it is: variables work in both ways."""
    spec = _spec("echo x > $BRIGNB_STORAGE/f", "pwd", source=str(tmp_path), storage=Storage(enabled=True))
    await plain.start(spec)
    lines = await _lines(plain, spec.id)
    assert [line.split(" ")[0] for line in lines[:2]] == ["mount_path:", "storage:"]
    assert lines[2:] == [str(tmp_path)]


async def test_a_jobs_folders_are_for_nobody_else(plain, tmp_path):
    """Its script may hold secrets, and /tmp belongs to everybody."""
    await plain.start(_spec("stat -c %a $HOME $BRIGNB_OUTPUT $0 $(dirname $0)"))
    assert await _lines(plain, "job-01jv3zq8m4t7y2k9r5w6x0abcd") == ["700", "600", "700", "700"]


async def test_the_clock_is_the_callers(tmp_path):
    """Lines and statuses carry the time that was passed in."""
    executor = ProcessExecutor(tmp_path / "work", now_ms=lambda: 1234, cache=None, sandboxed=False)
    await executor.start(_spec("echo x"))
    assert [line.at async for batch in executor.logs(_spec().id) for line in batch] == [1234]
    status = await executor.wait(_spec().id)
    assert (status.started_at, status.finished_at) == (1234, 1234)
    await executor.close()
