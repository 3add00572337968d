"""A bell that any number of threads and event loops can wait for: "there is something new, look again"."""

from __future__ import annotations

import threading
from concurrent.futures import Future


class Bell:
    """Take `next()` before looking; when there was nothing to see, wait for it: no ring is missed in between."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next = self._fresh()

    def next(self) -> Future[None]:
        """Done at the next ring. It is shared: cancelling it does nothing."""
        with self._lock:
            return self._next

    def ring(self) -> None:
        """Wake all who wait."""
        with self._lock:
            rung, self._next = self._next, self._fresh()
        rung.set_result(None)

    @staticmethod
    def _fresh() -> Future[None]:
        future: Future[None] = Future()
        future.set_running_or_notify_cancel()  # from now on `cancel()` is refused
        return future
