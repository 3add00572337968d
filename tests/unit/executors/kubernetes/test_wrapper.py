"""The wrapper, run by a real shell, and its frame, fed in every way in which a log can be cut."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from brignb.executors.kubernetes import wrapper as its
from brignb.executors.kubernetes.wrapper import Frame, wrapper

NONCE = "0123456789abcdef"


def log(outputs: str = "", code: int = 3, before: bytes = b"one\ntwo\n") -> bytes:
    return before + f"{NONCE} outputs\n{outputs}\n{NONCE} exit {code}\n".encode()


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_frame_is_taken_out_however_the_log_is_cut(size):
    """A chunk ends where the network likes."""
    frame, shown, raw = Frame(NONCE), b"", log("A=1\nB=<<x\n", before=b"one\nno newline")
    for at in range(0, len(raw), size):
        shown += frame.feed(raw[at : at + size])
    assert shown + frame.rest() == b"one\nno newline"
    assert frame.word.exit_code == 3
    assert dict(frame.word.outputs.values) == {"A": "1", "B": "<<x"}


def test_what_looks_like_a_frame_is_the_jobs_own():
    """Another job's nonce, or a beginning that has no end."""
    frame = Frame(NONCE)
    assert frame.feed(b"ffff outputs\n") + frame.feed(NONCE.encode()) == b"ffff outputs\n"
    assert frame.rest() == NONCE.encode()
    assert frame.word is None
    assert Frame(None).feed(log()) == log(), "a job without a wrapper has no frame"


def test_outputs_that_hold_the_frames_own_words_do_not_end_it():
    """A job can read its wrapper; it deceives only itself, and the last line counts."""
    frame = Frame(NONCE)
    frame.feed(log(f"A=1\n{NONCE} exit 0\nB=2\n", code=5))
    assert frame.word.exit_code == 5


def test_endless_outputs_do_not_fill_the_memory():
    """A megabyte is read of them, as of any job's."""
    frame = Frame(NONCE)
    frame.feed(f"{NONCE} outputs\n".encode())
    for _ in range(20):
        frame.feed(b"A=" + b"x" * 1_000_000 + b"\n")
    assert len(frame._inside) < 8 * its.OUTPUT_MAX
    frame.feed(f"\n{NONCE} exit 0\n".encode())
    assert frame.word.exit_code == 0
    assert any("cut" in problem for problem in frame.word.outputs.problems)


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """The wrapper in a process namespace of its own, as in a container; with folders of this test's."""
    for name in ("HOOK", "OUTPUT", "ENDED"):
        monkeypatch.setattr(its, name, str(tmp_path / name.lower()))
    (tmp_path / "hook").mkdir()
    unshare = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if sys.platform != "linux" or os.geteuid() or subprocess.run([*unshare, "true"], check=False).returncode:
        pytest.skip("needs Linux and root, for a process namespace")

    def run(script: str, *args: str, stdin: bytes = b"go\nseen\n"):
        (tmp_path / "hook" / "main.sh").write_text(script)
        (tmp_path / "w.sh").write_text(wrapper(NONCE, "/bin/sh", waits=True))
        env = {"PATH": os.environ["PATH"], "BRIGNB_OUTPUT": its.OUTPUT}
        argv = [*unshare, "/bin/sh", str(tmp_path / "w.sh"), *args]
        return subprocess.run(argv, input=stdin, env=env, capture_output=True, timeout=20, check=False)

    return run


def test_a_real_shell_says_exit_code_outputs_and_lines_in_order(shell):
    """stderr among stdout, arguments as they are, stdin empty; what runs on is killed before the last line."""
    ran = shell('echo "$1"; echo err >&2; cat; sleep 100 & echo A=1 >> "$BRIGNB_OUTPUT"; exit 7', "a  b")
    frame = Frame(NONCE)
    assert frame.feed(ran.stdout) == b"a  b\nerr\n"
    assert (frame.word.exit_code, dict(frame.word.outputs.values)) == (7, {"A": "1"})
    assert (ran.returncode, ran.stderr) == (7, b"")


def test_a_killed_script_has_a_shells_exit_code_and_no_words_of_the_wrapper(shell):
    """`Terminated` is the wrapper's shell's, not the job's."""
    frame = Frame(NONCE)
    assert frame.feed(shell("kill -TERM $$").stdout) == b""
    assert frame.word.exit_code == 143


@pytest.mark.slow
def test_a_wrapper_that_nobody_answers_ends_by_itself(shell):
    """Its process was killed: the pod must not stay."""
    assert shell("exit 4", stdin=b"go\n").returncode == 4
