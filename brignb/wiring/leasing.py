"""The lease of a notebook or a worker that runs a build away from its server.

A thread renews it, also while a cell is busy, and hears what the server wants of that build.

What must never happen: somebody who goes on with a build that is somebody else's by now.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from brignb.errors import BrignbError, Unavailable, Unreachable


class Lease:
    """See the module; one for each time that it listens.

    Args:
        renew: Asks the server to go on; answers whether somebody wants the build that is held to end.
        seconds: For which the server keeps it from one renewal to the next.
        every: Seconds between two renewals; a lease lasts three times as long.
        spared: What keeps the server itself from ending the lease: while it is met, no time passes for it.
        patience: Seconds for which that is so: a server that does not come back has given up everything.
    """

    def __init__(
        self,
        renew: Callable[[], bool],
        *,
        seconds: float,
        every: float,
        spared: tuple[type[BrignbError], ...] = (),
        patience: float = 0.0,
    ) -> None:
        self._renew = renew
        self._seconds = seconds
        self._every = every
        self._spared = spared
        self._patience = patience
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

    def lose(self) -> None:
        """It is over: the server said so."""
        self.lost.set()
        self._tell("lost")

    def _run(self) -> None:
        heard = answered = time.monotonic()
        while not self.lost.is_set() and not self._over.wait(self._every):
            asked = time.monotonic()
            try:
                canceled = self._renew()
            except (Unreachable, Unavailable) as error:
                if isinstance(error, self._spared) and time.monotonic() - answered < self._patience:
                    heard += time.monotonic() - asked + self._every
                elif time.monotonic() - heard >= self._seconds:
                    self.lose()
            except BrignbError:  # the server knows no such lease: it was restarted, or this process slept
                self.lose()
            else:
                heard = answered = asked
                if canceled:
                    self._tell("canceled")

    def _tell(self, why: str) -> None:
        with self._watching:
            end, self._watched = self._watched, None
        if end is not None:
            end(why)
