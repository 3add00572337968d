"""A cancel: SIGINT on the main thread, for as long as a notebook runs.

It is a `KeyboardInterrupt` in user code, and it is remembered: `!command`, for one, swallows the exception and goes on, and so may
any `except`. Once the cells are over it changes nothing any more: what is left to do is to write down what was seen.
"""

from __future__ import annotations

import signal
import threading
from types import TracebackType
from typing import Any, Self


class Interrupts:
    """See the module. A handler that the caller chose, other than Python's own, stays."""

    def __init__(self) -> None:
        self.asked = False
        self._over = False
        self._mine = False

    def __enter__(self) -> Self:
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._hear)
            self._mine = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._mine:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def over(self) -> None:
        """The cells are over; from here on a cancel comes too late."""
        self._over = True

    def _hear(self, _signal: int, _frame: Any) -> None:
        self.asked = True
        if not self._over:
            raise KeyboardInterrupt
