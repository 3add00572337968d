"""The lease of a kernel that listens: a thread renews it, also while a cell is busy, and hears who wants what of the build it holds.

What must never happen: a kernel that goes on with a build that is somebody else's by now.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from brignb.client import Listener
from brignb.errors import BrignbError, Unavailable, Unreachable

EVERY: Final = 2.0
"""Seconds between two renewals; a lease lasts three times as long."""


class Lease:
    """See the module; one for each time that it listens.

    Args:
        listener: Opened.
        every: Seconds between two renewals.
    """

    def __init__(self, listener: Listener, *, every: float = EVERY) -> None:
        self._listener = listener
        self._every = every
        self._over = threading.Event()
        self._watched: Callable[[str], None] | None = None
        self._watching = threading.Lock()
        self.lost = threading.Event()
        self._thread = threading.Thread(target=self._run, name="brignb-lease", daemon=True)
        self._thread.start()

    def watch(self, end: Callable[[str], None] | None) -> None:
        """Who is to be told, once, that its build must end: `canceled`, or `lost`; None: there is no build now."""
        with self._watching:
            self._watched = end
        if self.lost.is_set():
            self._tell("lost")

    def close(self) -> None:
        """Renew no more."""
        self._over.set()

    def _run(self) -> None:
        heard = time.monotonic()
        while not self._over.wait(self._every):
            asked = time.monotonic()
            try:
                held = self._listener.renew()
            except (Unreachable, Unavailable):
                if time.monotonic() - heard < self._listener.lease_seconds:
                    continue
                held, gone = None, True
            except BrignbError:  # the server knows no such lease: it was restarted, or this kernel slept
                held, gone = None, True
            else:
                heard, gone = asked, False
            if gone:
                self.lost.set()
                self._tell("lost")
                return
            if held is not None and held["cancel"]:
                self._tell("canceled")

    def _tell(self, why: str) -> None:
        with self._watching:
            end, self._watched = self._watched, None
        if end is not None:
            end(why)
