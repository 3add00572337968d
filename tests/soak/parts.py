"""A part that is killed and comes back, as a pod's container does: started again at once, on the folder and the port that it had.

What must never happen: a part that ends by itself without that being seen.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

WITHIN = 60.0
"""Seconds until a part is there again."""


def free_port() -> int:
    """One that nobody has now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Victim(Protocol):
    """What can be killed; it is there again when `kill` returns."""

    name: str

    def kill(self) -> None:
        """`kill -9`, and start it again."""


class Part:
    """One process and those that follow it.

    Args:
        name: For people.
        folder: Where its log is.
        argv: `brignb …`, made anew for each start.
        ready: What it prints when it is there; None: it is there at once.
    """

    def __init__(self, name: str, folder: Path, argv: Callable[[], list[str]], *, ready: str | None) -> None:
        self.name = name
        self._log = folder / f"{name}.log"
        self._argv = argv
        self._ready = ready
        self._starts()

    def kill(self) -> None:
        """It ends as a container does that the kernel kills: with everything in it."""
        if self._process.poll() is not None:
            raise AssertionError(f"{self.name} has ended by itself: see {self._log}")
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process.stdout.close()
        self._starts()

    def stop(self) -> None:
        """For good."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process.stdout.close()

    def _starts(self) -> None:
        """Until it is there: one that ends, since another part was not there yet, is started again, as a kubelet does."""
        until = time.monotonic() + WITHIN
        while not self._there(until):
            self._process.wait()
            self._process.stdout.close()
            if time.monotonic() > until:
                raise AssertionError(f"{self.name} does not come back: see {self._log}")

    def _there(self, until: float) -> bool:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "brignb", *self._argv()],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        if self._ready is None:
            return True
        late = threading.Timer(until - time.monotonic(), self._process.kill)
        late.start()
        try:
            return self._process.stdout.readline().startswith(self._ready)
        finally:
            late.cancel()


class Database:
    """PostgreSQL, as a victim.

    Args:
        cluster: `tests/postgresql.py`'s.
    """

    name = "postgresql"

    def __init__(self, cluster) -> None:
        self._cluster = cluster

    def kill(self) -> None:
        """All of it at once; it recovers from its log."""
        self._cluster.kill()
        self._cluster.start()


def took(work: Callable[[], object]) -> float:
    """Seconds."""
    begun = time.monotonic()
    work()
    return time.monotonic() - begun
