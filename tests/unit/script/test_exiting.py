"""A plain script that ends with jobs running, or failed unseen."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def run(script: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_leftover_is_canceled_and_named(tmp_path) -> None:
    """An exit leaves no process behind, and says what it ended."""
    done = run(
        """
        from brignb import Job
        handle = Job("left", tasks=["echo started", "sleep 61.4142"]).run()
        print(next(iter(handle)))
        """,
        tmp_path,
    )
    assert done.returncode == 0
    assert "canceled at exit, since nothing waits for it: job left (left-" in done.stderr
    assert "Traceback" not in done.stderr
    assert "sleep 61.4142" not in subprocess.run(["ps", "-ef"], capture_output=True, text=True, check=True).stdout


def test_unseen_failure_is_said(tmp_path) -> None:
    """A failure that nobody waited for is loud at the latest here."""
    done = run(
        """
        from brignb import Job
        handle = Job("bad", tasks="exit 3").run()
        handle.gone.result()
        """,
        tmp_path,
    )
    assert "nobody waited for it: job bad (bad-" in done.stderr
    assert "exit code 3" in done.stderr


def test_script_uses_everything_plainly(tmp_path) -> None:
    """The author's words in a plain script: no loop, no server, nothing to configure."""
    done = run(
        """
        from brignb import Group, Job, events, project

        @events.on("push")
        async def push(event, project):
            build = Job("build", tasks=["echo building $WHAT", 'echo id=7 >> "$BRIGNB_OUTPUT"'], env={"WHAT": event.data["what"]})
            await Group.sequence(build, Group.concurrent(Job("a", tasks="true"), Job("b", tasks="true")))
            print(build.logs.strip(), build.outputs["id"], project.name)

        events.fire("push", {"what": "demo"}).wait()
        """,
        tmp_path,
    )
    assert done.stderr == ""
    assert done.stdout == f"building demo 7 local/{tmp_path.name}\n"
