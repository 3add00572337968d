"""The supervisor alone, spoken to as `containing` does."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from brignb.executors import supervise
from brignb.executors.containing import Program, supervised


def _run(*argv: str, env=None, cwd="/", stdin_stays=True):
    """Exit code and news of a supervised program, and what it said."""
    news, tell = os.pipe()
    launch = supervised(Program(argv, env or {}, Path(cwd)), tell)
    with subprocess.Popen(
        launch.argv, stdin=-1, stdout=-1, stderr=-1, env=launch.env, pass_fds=launch.fds, cwd="/"
    ) as supervisor:
        os.close(tell)
        supervisor.stdin.write(launch.told)
        supervisor.stdin.flush()
        if not stdin_stays:
            supervisor.stdin.close()
        with os.fdopen(news) as told:
            facts = {name: value for line in told for name, value in json.loads(line).items()}
        said = supervisor.stdout.read().decode()
        complaints = supervisor.stderr.read().decode()
    return facts, said, complaints


def test_it_says_who_runs_and_how_it_ended():
    """In bubblewrap's words, so that one reader serves both."""
    facts, said, complaints = _run("/bin/sh", "-c", "echo $$; exit 7")
    assert facts == {"child-pid": int(said), "exit-code": 7}
    assert complaints == ""


@pytest.mark.parametrize("argv", [("/no/such/program",), ("/etc/passwd",)])
def test_what_cannot_be_started_is_said_on_stderr(argv):
    """With a shell's exit code."""
    facts, _, complaints = _run(*argv)
    assert facts["exit-code"] == 127
    assert argv[0] in complaints


def test_the_end_of_its_stdin_kills_everything():
    """Whoever started it is gone, or wants the end."""
    facts, _, _ = _run("/bin/sh", "-c", "trap '' TERM; setsid sleep 1000.0625 & wait", stdin_stays=False)
    assert facts["exit-code"] == 137


def test_who_is_told_of_can_be_signalled():
    """A SIGTERM before the job has a session of its own reached nobody, and cancelling it took all of the grace."""
    news, tell = os.pipe()
    launch = supervised(Program(("/bin/sleep", "1000.03125"), {}, Path("/")), tell)
    with subprocess.Popen(launch.argv, stdin=-1, env=launch.env, pass_fds=launch.fds, cwd="/") as supervisor:
        os.close(tell)
        supervisor.stdin.write(launch.told)
        supervisor.stdin.flush()
        with os.fdopen(news, "rb", 0) as told:
            leader = json.loads(told.readline())["child-pid"]
            os.killpg(leader, signal.SIGTERM)
            heard, _, _ = select.select([told], [], [], 30)
            supervisor.stdin.close()
            assert heard, "the job did not hear it"
            assert json.loads(told.readline()) == {"exit-code": 143}


def test_signals_that_python_ignores_are_not_ignored_in_the_job():
    """`yes | head` must end by SIGPIPE, in silence."""
    facts, said, complaints = _run("/bin/sh", "-c", "yes | head -n 1; grep SigIgn /proc/self/status")
    assert facts["exit-code"] == 0
    assert complaints == ""
    ignored = int(said.splitlines()[1].split()[1], 16)
    assert not ignored & (1 << signal.SIGPIPE - 1 | 1 << signal.SIGXFSZ - 1), "what our own parent ignored may stay so"


def test_a_job_has_only_its_three_descriptors():
    """Not the one for news: it could lie there."""
    _, said, _ = _run("/bin/ls", "/proc/self/fd")
    assert said.split() == ["0", "1", "2", "3"], "3 is ls's own"


@pytest.mark.slow
def test_a_fork_storm_ends(tmp_path):
    """Children that are started while others are killed are killed too."""
    script = (
        "f() { while :; do sh -c 'setsid sleep 1000.03125 & setsid sleep 1000.03125 &' ; done; }; f & f & sleep 0.3"
    )
    facts, _, _ = _run("/bin/sh", "-c", script)
    assert facts["exit-code"] == 0
    left = subprocess.run(["pgrep", "-f", "sleep 1000.03125$"], capture_output=True, text=True, check=False)
    assert left.stdout == ""


def test_nothing_can_gain_privileges():
    """A set-uid program's process could not be killed by us."""
    _, said, _ = _run("/bin/grep", "NoNewPrivs", "/proc/self/status")
    assert said.split()[1] == "1"


def test_it_needs_nothing_of_ours():
    """It is run with `-I -S`: no site-packages, and quickly."""
    look = "import runpy, sys; runpy.run_path(sys.argv[1]); print('brignb' in sys.modules or 'asyncio' in sys.modules)"
    argv = [sys.executable, "-I", "-S", "-c", look, supervise.__file__]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout == "False\n"
