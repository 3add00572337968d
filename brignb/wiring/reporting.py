"""What is told a server of a build that runs elsewhere: jobs' states and grown streams, in order, from a thread of its own.

    job, grown ──▶ queue ──▶ tell, append (from the local archive, by offsets)

A notebook that listens and a worker in a pod share it. A server that cannot be reached is asked again until the lease is lost; what was
sent twice is there once. What must never happen: a handler that waits for the network, an end that is told before the last line.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from functools import partial
from queue import SimpleQueue
from typing import Final, TypeVar

from brignb.archive.seam import Archive
from brignb.errors import BadInput, BrignbError, Conflict, Unavailable, Unreachable
from brignb.model.builds import JobRecord

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

CHUNK: Final = 1024 * 1024
"""Bytes of a stream in one call."""
_AGAIN: Final = 0.5
"""Seconds until a server that did not answer is asked again."""


class Reporter:
    """See the module.

    Args:
        build_id: Of the build.
        archive: Where the streams are.
        tell: Tells the server of a job.
        append: Tells the server that a stream has grown: its name, an offset there, what comes then.
        lost: Set when the build is not this process's any more.
    """

    def __init__(
        self,
        build_id: str,
        archive: Archive,
        *,
        tell: Callable[[JobRecord], None],
        append: Callable[[str, int, bytes], None],
        lost: threading.Event,
    ) -> None:
        self._build = build_id
        self._archive = archive
        self._tell = tell
        self._append = append
        self._lost = lost
        self._queue: SimpleQueue[JobRecord | str | threading.Event | None] = SimpleQueue()
        self._waiting: set[str] = set()
        self._sent: dict[str, tuple[int, int]] = {}
        self._thread = threading.Thread(target=self._run, name="brignb-report", daemon=True)

    def begin(self, streams: Mapping[str, tuple[int, int]]) -> None:
        """From here on.

        Args:
            streams: Of those that have bytes of earlier attempts: where they go on here, and at the server.
        """
        self._sent.update(streams)
        self._thread.start()

    def job(self, job: JobRecord) -> None:
        """A job's state."""
        self._queue.put(job)

    def grown(self, stream: str) -> None:
        """There is more of a stream."""
        if stream not in self._waiting:  # else its turn is still to come
            self._waiting.add(stream)
            self._queue.put(stream)

    def settle(self) -> None:
        """Wait until what was said so far was told, or there is nobody to tell."""
        settled = threading.Event()
        self._queue.put(settled)
        settled.wait()

    def close(self) -> None:
        """Wait until all was told, or there is nobody to tell; nothing is, where it has not begun."""
        self._queue.put(None)
        if self._thread.ident is not None:
            self._thread.join()

    def ask(self, call: Callable[[], Answer]) -> Answer:
        """Make a call that may be made twice, until it is answered.

        Raises:
            Conflict: The build is lost meanwhile.
            BrignbError: As the server says.
        """
        while not self._lost.is_set():
            try:
                return call()
            except (Unreachable, Unavailable):
                self._lost.wait(_AGAIN)
        raise Conflict(f"build {self._build} is not ours any more")

    def insist(self, call: Callable[[], object]) -> bool:
        """The same; False when the build is lost meanwhile, or the call refused."""
        try:
            self.ask(call)
        except BadInput as error:  # a clock that is years wrong, for example: the rest is told all the same
            log.warning("brignb: the server does not take a word about build %s: %s", self._build, error)
            return False
        except BrignbError:  # the lease is over, or the build somebody else's: whoever minds the lease says so
            return False
        return True

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            if isinstance(item, JobRecord):
                self.insist(partial(self._tell, item))
            elif isinstance(item, str):
                self._waiting.discard(item)
                self._send(item)
            else:
                item.set()

    def _send(self, stream: str) -> None:
        here, there = self._sent.get(stream, (0, 0))
        while data := self._archive.read(self._build, stream, here, CHUNK):
            if not self.insist(partial(self._append, stream, there, data)):
                return
            here, there = here + len(data), there + len(data)
            self._sent[stream] = (here, there)
