"""A chapter of the guide, as a user would type it: every `sh` block, in one shell, in the order in which they stand.

    document ──steps──▶ Step ──Terminal.type──▶ what it said, and how long it took

Blocks of another language (`console`) are for reading. What must never happen: a block that fails and is not heard of.
"""

from __future__ import annotations

import os
import re
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

_HEADING = re.compile(r"^(#+) (.*)$")
_DONE: Final = b"@@done\n"
_FAILED: Final = b"@@failed\n"


@dataclass(frozen=True)
class Step:
    """A block, and the heading above it."""

    heading: str
    text: str


@dataclass(frozen=True)
class Typed:
    """What came of a step."""

    heading: str
    said: str
    seconds: float


def steps(document: Path, chapter: str) -> list[Step]:
    """The blocks of the chapter whose heading begins so."""
    found, level, here, heading = [], 0, False, ""
    fence, block = None, []
    for line in document.read_text("utf-8").splitlines():
        if fence is not None and line == "```":
            found += [Step(heading, "\n".join(block))] if here and fence == "sh" else []
            fence, block = None, []
        elif fence is not None:
            block.append(line)
        elif line.startswith("```"):
            fence = line[3:]
        elif title := _HEADING.match(line):
            depth, heading = len(title[1]), title[2]
            if heading.startswith(chapter):
                level, here = depth, True
            elif depth <= level:
                here = False
    assert found, f"{document.name} has no chapter {chapter!r} with anything to type"
    return found


class Terminal:
    """A bash that ends at the first command that fails. A context manager, which ends all that it has left.

    Args:
        folder: Where it begins.
        environment: Beside this process's.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._shell = subprocess.Popen(
            ["bash", "--norc"],
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._shell.stdout, selectors.EVENT_READ)
        self._write(f"set -euo pipefail; trap 'echo {_FAILED.decode().strip()}' EXIT")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        found = subprocess.run(["ps", "-o", "pid=", "--sid", str(self._shell.pid)], capture_output=True, check=False)
        for pid in map(int, found.stdout.split()):
            try:
                os.kill(pid, signal.SIGKILL)  # bash takes no SIGTERM while it is typed into
            except ProcessLookupError:
                continue
        self._shell.wait(timeout=10)
        self._selector.close()
        self._shell.stdin.close()
        self._shell.stdout.close()

    def type(self, step: Step, *, within: float = 120) -> Typed:
        """Wait for a step's end.

        Args:
            within: Seconds.

        Raises:
            AssertionError: A command failed, or it is not done by then; with what was said.
        """
        begun, said = time.monotonic(), b""
        self._write(f"{{\n{step.text}\n}} </dev/null\necho {_DONE.decode().strip()}")
        while _DONE not in said:
            ready = self._selector.select(max(begun + within - time.monotonic(), 0))
            said += os.read(self._shell.stdout.fileno(), 1 << 16) if ready else b""
            why = "a command failed" if ready else f"not done within {within:g} s"
            told = f"{step.heading}: {why}:\n{step.text}\n\n{said.decode(errors='replace')}"
            assert ready, told
            assert _FAILED not in said, told
        return Typed(step.heading, said.replace(_DONE, b"").decode(errors="replace"), time.monotonic() - begun)

    def _write(self, text: str) -> None:
        self._shell.stdin.write(f"{text}\n".encode())
        self._shell.stdin.flush()
