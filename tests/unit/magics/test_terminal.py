"""IPython in a terminal, a real one: Ctrl-C ends what a cell awaits, and not only the waiting."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

INTERRUPTED = "asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGINT); await "
"""Ctrl-C, at the moment at which the cell waits."""


@pytest.fixture
def ipython(tmp_path):
    """Runs cells, one after the other; answers what they wrote."""

    def run(*cells: str) -> str:
        start = ["%load_ext brignb", "import asyncio, os, signal; from brignb import Job, JobCanceled"]
        words = [f"--InteractiveShellApp.exec_lines={json.dumps([*start, *cells])}", "--simple-prompt", "-c", "pass"]
        command = [sys.executable, "-m", "IPython", f"--ipython-dir={tmp_path}", *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False).stdout

    return run


@pytest.mark.slow
def test_an_interrupt_cancels_the_job_that_a_cell_awaits(ipython):
    """Else it would run for an hour, with nobody who knows of it."""
    ended = 'try:\n    long.wait()\nexcept JobCanceled:\n    print("the job is", long.state)'
    said = ipython('long = Job("long", tasks=["sleep 3600"]).run()', INTERRUPTED + "long", ended)
    assert "CancelledError" in said
    assert "the job is canceled" in said


@pytest.mark.slow
def test_what_ends_well_by_an_interrupt_is_no_error(ipython):
    """As `%brig listen` does; and nothing of it is left for the next cell that awaits."""
    tries = "try:\n        await asyncio.sleep(3600)\n    except asyncio.CancelledError:\n        print('ended')"
    said = ipython(
        f"async def listening():\n    {tries}", INTERRUPTED + "listening()", "await asyncio.sleep(0); print('next')"
    )
    assert said.split() == ["ended", "next"]
