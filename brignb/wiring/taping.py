"""What handlers print in a kernel, on its way to two places: where it would have gone anyway, and the build's log and journal.

The scribe has a thread of its own, so that an interrupt, which only the main thread gets, never strikes while an entry is half written.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from queue import Empty, SimpleQueue
from typing import Any, TextIO

from brignb.engine.bundles import clean_bundle
from brignb.engine.scribe import Item, Scribe
from brignb.script.session import View
from brignb.script.started import Started
from brignb.widgets.cells import RecordCells
from brignb.widgets.static import StaticView


class Tape:
    """See the module.

    Args:
        scribe: Takes what was seen.
    """

    def __init__(self, scribe: Scribe) -> None:
        self._scribe = scribe
        self._queue: SimpleQueue[Item | threading.Event | None] = SimpleQueue()
        self._failure: Exception | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="brignb-tape", daemon=True)
        self._thread.start()
        self.cell = 0

    def put(self, op: str, **facts: Any) -> None:
        """A journal entry about the cell that runs."""
        self._queue.put(("", {"op": op, "cell": self.cell, **facts}))

    def text(self, stream: str, text: str) -> None:
        """What was printed; after the end, by a thread or a logger that keeps the stream, it is no concern of the build."""
        if not self._closed:
            self._queue.put((stream, text))

    def settle(self) -> None:
        """What was seen so far is written."""
        settled = threading.Event()
        self._queue.put(settled)
        settled.wait()

    def close(self) -> None:
        """All was written.

        Raises:
            Unavailable: The disk is full or gone.
        """
        self._closed = True
        self._queue.put(None)
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    @contextlib.contextmanager
    def recording(self) -> Iterator[None]:
        """What is printed within is kept too."""
        tees: Any = {name: _Tee(name, self, getattr(sys, name)) for name in ("stdout", "stderr")}
        with contextlib.redirect_stdout(tees["stdout"]), contextlib.redirect_stderr(tees["stderr"]):
            yield

    def _run(self) -> None:
        over = False
        while not over:
            batch = [self._queue.get()]
            with contextlib.suppress(Empty):
                while True:
                    batch.append(self._queue.get_nowait())
            over = None in batch  # not necessarily at its end: another thread may print at the same time
            try:
                self._scribe([item for item in batch if isinstance(item, tuple)])
            except Exception as error:  # noqa: BLE001 - told by `close`; the handler goes on
                self._failure = error
            for item in batch:
                if isinstance(item, threading.Event):
                    item.set()


class _Tee:
    """A text stream that is heard; everything else of it is the stream's own."""

    def __init__(self, name: str, tape: Tape, own: TextIO) -> None:
        self._name, self._tape, self._own = name, tape, own

    def write(self, text: str) -> int:
        self._tape.text(self._name, text)
        return self._own.write(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)


class TapedView:
    """Shows jobs as the kernel's own view does, and has them in the record as a worker would.

    Args:
        own: The kernel's.
        tape: Of the build.
    """

    def __init__(self, own: View, tape: Tape) -> None:
        self._own = own
        self._record = StaticView(RecordCells(), screen=_TapeScreen(tape))

    def started(self, started: Started[Any], owner: Started[Any] | None) -> None:
        """Under the cell that runs now."""
        self._own.started(started, owner)
        self._record.started(started, owner)

    def changed(self, started: Started[Any]) -> None:
        """In its place."""
        self._own.changed(started)
        self._record.changed(started)

    def show(self, started: Started[Any]) -> bool:
        """As the kernel's own view does; the record has it already."""
        return self._own.show(started)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)


class _TapeScreen:
    """Displays become entries."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape

    def show(self, bundle: Mapping[str, str], name: str) -> None:
        output = {"output_type": "display_data", "data": clean_bundle(bundle), "metadata": {}}
        self._tape.put("output", output=output, id=name)

    def update(self, bundle: Mapping[str, str], name: str) -> None:
        self._tape.put("update", id=name, data=clean_bundle(bundle), metadata={})
