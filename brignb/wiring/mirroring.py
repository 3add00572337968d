"""What a worker in a pod says, told the server's desk: implements `brignb.controller.hosting.Listener`.

    worker ── first_cell, emit ──▶ Mirror ──▶ desk                and its answer back
    worker ── job, news ──▶ Mirror ── Reporter ──▶ desk           streams of the local archive, by offsets, aside
    end ──▶ the rest of the streams, side files, artifacts, record, `finished`

A desk that does not answer is asked again until the lease is over. One that says the attempt is over ends the lease. What must never
happen: an end that is told before what was seen, a first cell whose start the desk has not noted.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import IO, Any, Final, TypeVar

from brignb.archive.files import FileArchive
from brignb.archive.seam import JOURNAL, RECORD, WORKER
from brignb.client import Held
from brignb.errors import Conflict, Refused, SourceError, Unavailable
from brignb.model.builds import JobRecord, Outcome
from brignb.model.logs import LogLine
from brignb.wiring.clock import fresh_id, now_ms
from brignb.wiring.leasing import Lease
from brignb.wiring.reporting import CHUNK, Reporter

T = TypeVar("T")

PATIENCE: Final = 60.0
"""Seconds for which a desk is asked for a source that it cannot get now."""


class Mirror:
    """See the module.

    Args:
        build_id: The build.
        held: Who tells of it.
        archive: Where its worker writes.
        lease: The worker's.
    """

    def __init__(self, build_id: str, held: Held, archive: FileArchive, lease: Lease) -> None:
        self._build = build_id
        self._held = held
        self._archive = archive
        self._lease = lease
        self._reporter = Reporter(
            build_id,
            archive,
            tell=lambda job: self._told(partial(held.job, job)),
            append=lambda stream, offset, data: self._told(partial(held.append, stream, offset, data)),
            lost=lease.lost,
        )

    def begin(self) -> None:
        """Learn where the streams go on at the server, and tell from there on; in any thread.

        Raises:
            Conflict: The build is not ours any more.
            BrignbError: The desk refuses.
        """
        there = self._reporter.ask(partial(self._told, self._held.streams))
        self._reporter.begin({stream: (0, size) for stream, size in there.items()})

    def source(self, file: IO[bytes]) -> None:
        """Write the archive of the build's source into a file, from its beginning; in any thread.

        Raises:
            Conflict: The build is not ours any more.
            SourceError: The desk cannot get it from its repository.
            BrignbError: The desk refuses, or has none.
        """
        until = time.monotonic() + PATIENCE

        def fetch() -> None:
            file.seek(0)
            file.truncate()
            try:
                self._held.source(file)
            except Unavailable as error:
                if time.monotonic() < until:
                    raise
                raise SourceError("repository_unreachable", error.message, where=error.where) from error

        self._reporter.ask(partial(self._told, fetch))

    async def first_cell(self) -> None:
        """The desk notes it durably.

        Raises:
            Conflict: The attempt is over; this worker must not begin.
        """
        await self._asked(self._held.started)

    async def emit(self, event_type: str, payload: str) -> Mapping[str, Any]:
        """The desk stores the event and its build."""
        key = fresh_id(now_ms())
        return await self._asked(partial(self._held.emit, event_type, payload, key=key))

    async def job(self, job: JobRecord) -> None:
        """A job's state, in its turn."""
        self._reporter.job(job)

    def news(self, stream: str) -> None:
        """A stream has grown."""
        self._reporter.grown(stream)
        if stream == WORKER:
            self._reporter.grown(JOURNAL)

    def say(self, text: str) -> None:
        """Lines of brignb's own in the worker's log, while no worker writes it."""
        data = b"".join(LogLine(now_ms(), "system", line).encode() for line in text.splitlines())
        self._archive.append(self._build, WORKER, self._archive.size(self._build, WORKER), data)
        self._reporter.grown(WORKER)

    def end(self, outcome: Outcome) -> bool:
        """Everything that was seen, then how it ended; False: the desk does not want to know. In any thread, after `begin`."""
        self.news(WORKER)  # the last words of a worker that was killed
        self._reporter.close()
        for name in self._archive.side_files(self._build):
            self._spill(name)
        for job_id in self._archive.leavers(self._build):
            self._leave(job_id)
        if (record := self._archive.get(self._build, RECORD)) is not None:
            self._insist(partial(self._held.document, RECORD, record))
        return self._insist(partial(self._held.finished, outcome))

    def _spill(self, name: str) -> None:
        at = 0
        for piece in self._archive.side_file(self._build, name, piece=CHUNK, most=1 << 62):
            if not self._insist(partial(self._held.spill, name, at, piece)):
                return
            at += len(piece)

    def _leave(self, job_id: str) -> None:
        with tempfile.TemporaryFile() as file:
            if self._archive.artifacts(self._build, job_id, file):
                self._insist(partial(self._held.artifacts, job_id, file))

    def _insist(self, call: Callable[[], object]) -> bool:
        return self._reporter.insist(partial(self._told, call))

    async def _asked(self, call: Callable[[], T]) -> T:
        return await asyncio.to_thread(self._reporter.ask, partial(self._told, call))

    def _told(self, call: Callable[[], T]) -> T:
        """A word; one that is not heard any more ends the lease."""
        try:
            return call()
        except (Conflict, Refused):
            self._lease.lose()
            raise
