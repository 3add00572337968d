"""The capture: everything that a process writes, in order, on its way to the scribe.

    print ─────────────▶ Stream.write ──┐
    fds 1 and 2 ─▶ pipes ─▶ drained ────┼──▶ batch ──▶ deliver(batch), on a thread of its own, every `NAP` seconds
    displays, errors ──▶ put(entry) ────┘

Python's own writes go straight into the batch; before each, what subprocesses and C code have put into the pipes so far is drained,
so that the order is the order of writing. A flush waits for the delivery, once a `NAP` at the most: what is flushed and then killed
is kept, and who flushes every line pays little. A batch that is full holds its writers up until it was delivered: memory is bounded. A
forked child writes into the pipes like any other process, and touches nothing else of this.

What must never happen: text that a cell wrote and that is lost, a writer's thread that meets the disk.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from brignb.engine.scribe import STREAMS, Item
from brignb.engine.streams import READS, Redirected, Stream, empty, flush_all

NAP: Final = 0.02
"""Seconds for which text is gathered; a line is seen within 50 ms."""
_ROOM: Final = 1 << 20
"""Characters that wait to be delivered before writers wait themselves."""
_FLOOD: Final = 1 << 16
"""Characters at once after which nobody naps."""


class Capture:
    """See the module. Between `start` and `stop`, fds 1 and 2 and `sys.stdout` and `sys.stderr` are its own.

    Args:
        deliver: Takes each batch, on the capture's thread. Its first error is raised by `settle` and `stop`.
    """

    def __init__(self, deliver: Callable[[list[Item]], None]) -> None:
        self._deliver = deliver
        self._batch: list[Item] = []
        self._left = (
            0  # characters for which a writer need not look further: none before the first, and none when it is full
        )
        self._filled = 1  # the number of the batch that is being filled
        self._delivered = 0
        self._lock = threading.RLock()  # re-entrant: a signal handler may print
        self._changed = threading.Condition(self._lock)
        self._closing = self._stopped = False
        self._hurry = threading.Event()
        self._flushed = 0.0
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="brignb-capture", daemon=True)
        self.pid = os.getpid()

    def start(self) -> None:
        """Take the process's output over."""
        flush_all(sys.stdout, sys.stderr)
        self._previous = (sys.stdout, sys.stderr)
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._fds = tuple(Redirected(fd, name) for fd, name in zip((1, 2), STREAMS, strict=True))
        self._data = select.poll()
        for redirected in self._fds:
            self._data.register(redirected.pipe, select.POLLIN)
        sys.stdout, sys.stderr = (Stream(redirected, self.write, self.flush) for redirected in self._fds)
        self._thread.start()

    def stop(self) -> None:
        """Give the process's output back; everything was delivered.

        Raises:
            Exception: What `deliver` raised.
        """
        flush_all(sys.__stdout__, sys.__stderr__)
        sys.stdout, sys.stderr = self._previous
        for redirected in self._fds:
            redirected.restore()
        with self._lock:
            self._drain()
            self._closing = True
        self._wake()
        self._thread.join()
        self._stopped = True
        for redirected in self._fds:
            redirected.close()
        os.close(self._wake_read)
        os.close(self._wake_write)
        if self._error is not None:
            raise self._error

    def write(self, stream: str, text: str) -> None:
        """Text of Python's own; waits while there is no room. What a thread writes that outlives the run is nobody's."""
        size = len(text)
        with self._lock:
            if self._data.poll(0):
                self._drain()
            if size < self._left:  # nearly always; this is what print costs
                self._batch.append((stream, text))
                self._left -= size
            elif not self._closing:
                for start in range(0, size, _ROOM):
                    self._add(stream, text[start : start + _ROOM])

    def put(self, entry: Mapping[str, Any]) -> None:
        """An entry that is no text, after everything that was written before it. After `stop` only displays change."""
        flush_all(sys.__stdout__, sys.__stderr__)
        with self._lock:
            if not self._closing:
                self._drain()
                self._add("", entry)
            elif self._stopped and entry["op"] == "update":
                self._deliver([("", entry)])

    def settle(self) -> None:
        """Return when everything that was written by now was delivered.

        Raises:
            Exception: What `deliver` raised.
        """
        flush_all(sys.__stdout__, sys.__stderr__)
        self._await_delivery()
        if self._error is not None:
            raise self._error

    def flush(self) -> None:
        """User code flushes; what `deliver` raised is no failure of its."""
        now = time.monotonic()
        if now - self._flushed >= NAP and not self._closing and threading.current_thread() is not self._thread:
            self._flushed = now
            self._await_delivery()

    def _await_delivery(self) -> None:
        with self._lock:
            if self._closing:
                return
            self._drain()
            mark = self._filled if self._batch else self._filled - 1
            self._wake()
            self._changed.wait_for(lambda: self._delivered >= mark or self._error is not None)

    def _add(self, stream: str, content: Any) -> None:
        while self._full and self._error is None and threading.current_thread() is not self._thread:
            self._wake()
            self._changed.wait()
        if self._error is None:  # else nobody delivers any more
            self._keep(stream, content)

    def _keep(self, stream: str, content: Any) -> None:
        if not self._batch:
            self._left = _ROOM
            self._wake(hurry=False)
        self._batch.append((stream, content))
        self._left -= len(content) if stream else 0

    @property
    def _full(self) -> bool:
        return bool(self._batch) and self._left <= 0

    def _drain(self) -> None:
        """Take what the pipes hold, and no more: somebody may write on and on."""
        for redirected in self._fds:
            for _ in range(READS):
                if not (text := redirected.read()):
                    break
                self._keep(redirected.name, text)

    def _wake(self, *, hurry: bool = True) -> None:
        if hurry:
            self._hurry.set()
        with contextlib.suppress(BlockingIOError):  # it is awake as it is
            os.write(self._wake_write, b"x")

    def _work(self) -> None:
        try:
            self._pump()
        except BaseException as error:  # noqa: BLE001 - user code can break anything; nobody may wait for what cannot come
            self._error = error
            with self._lock:
                self._changed.notify_all()

    def _pump(self) -> None:
        ready = select.poll()
        for fd in (self._wake_read, *(redirected.pipe for redirected in self._fds)):
            ready.register(fd, select.POLLIN)
        while True:
            ready.poll()
            with self._lock:
                self._hurry.clear()
                self._drain()
                empty(self._wake_read)
                flood = _ROOM - self._left > _FLOOD
                batch, self._batch, self._left = self._batch, [], 0
                closing, mark = self._closing, self._filled
                self._filled += 1
                self._changed.notify_all()
            self._pass_on(batch)
            with self._lock:
                self._delivered = mark
                self._changed.notify_all()
            if closing:
                return
            if batch and not flood:  # little comes: let it gather
                self._hurry.wait(NAP)

    def _pass_on(self, batch: list[Item]) -> None:
        if self._error is None:
            try:
                self._deliver(batch)
            except BaseException as error:  # noqa: BLE001 - raised where the run can end by it
                self._error = error
