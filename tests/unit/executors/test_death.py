"""Jobs die with the process that started them, however it dies."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys

import pytest

from brignb.executors import sandbox

HOST = """
import asyncio, sys, time
from pathlib import Path
from brignb.executors.process import ProcessExecutor
from brignb.model.jobs import JobSpec

async def main(folder, sandboxed):
    executor = ProcessExecutor(folder / "work", now_ms=lambda: int(time.time() * 1000), cache=None, sandboxed=sandboxed)
    tasks = ("(setsid sh -c 'trap \\"\\" TERM HUP INT; echo $$; sleep 1000.875; sleep 1000.875' &)", "trap '' TERM", "sleep 1000.875")
    spec = JobSpec(
        id="job-01jv3zq8m4t7y2k9r5w6x0abcd", name="job", build_id="01JV3ZQ8M4T7Y2K9R5W6X0ABCD", project="o/r", tasks=tasks
    )
    await executor.start(spec)
    async for batch in executor.logs(spec.id):
        if any(line.stream == "stdout" for line in batch):
            print("up", flush=True)

asyncio.run(main(Path(sys.argv[1]), sys.argv[2] == "True"))
"""


def _pids(mark: str) -> list[int]:
    done = subprocess.run(["pgrep", "-f", f"^sleep {mark}$"], capture_output=True, text=True, check=False)
    return [int(pid) for pid in done.stdout.split()]


def _gone(pidfds: list[int], seconds: float) -> bool:
    """Whether all of these processes end in time."""
    waiting = set(pidfds)
    while waiting:
        ended, _, _ = select.select(waiting, [], [], seconds)
        if not ended:
            return False
        waiting -= set(ended)
    return True


@pytest.mark.slow
@pytest.mark.parametrize("sandboxed", [True, False])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_executor_takes_its_jobs_with_it(tmp_path, sandboxed, how):
    """A worker that is killed must leave nothing that works on (contract: workers die with the server)."""
    if sandboxed and (why := sandbox.why_not()):
        pytest.skip(why)
    argv = [sys.executable, "-c", HOST, str(tmp_path), str(sandboxed)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as host:
        assert host.stdout.readline() == "up\n"
        pidfds = [os.pidfd_open(pid) for pid in _pids("1000.875")]
        host.send_signal(how)
    try:
        assert pidfds
        assert _gone(pidfds, 10)
    finally:
        for pidfd in pidfds:
            os.close(pidfd)
