"""What a build has left running, where this process is a container's first one: it gets all orphans, and must bury them.

Without walls a build's processes are ended with its process group; one that has left it would go on beside the next build.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Collection
from pathlib import Path
from typing import Final

_FIRST: Final = 1


def end_orphans(ours: Collection[int]) -> None:
    """Kill what was left to this process, and what is left to it by that; nothing where this process is not a container's first one.

    Args:
        ours: Its own children, which stay.
    """
    if os.getpid() != _FIRST:
        return
    while orphans := [pid for pid in _children() if pid not in ours]:
        for pid in orphans:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):  # somebody else waited for it
                os.waitpid(pid, 0)


def _children() -> list[int]:
    """Of all threads of this process (proc(5), task/[tid]/children)."""
    found: list[int] = []
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # a thread that has just ended
            found += map(int, (task / "children").read_text().split())
    return found
