"""A job's files on their way: its source into the pod, its artifacts out of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

from brignb.cluster.connection import Connection
from brignb.cluster.paths import path
from brignb.errors import Unavailable
from brignb.executors.kubernetes.attaching import attach, send
from brignb.executors.kubernetes.following import Follower
from brignb.executors.kubernetes.naming import ARTIFACTS, SOURCE
from brignb.executors.kubernetes.transfer import DONE, too_much, unpacked
from brignb.model.builds import State
from brignb.model.jobs import SENT, JobSpec, JobStatus
from brignb.tars import END, packed


class Shelf(Protocol):
    """Where a build's artifacts are kept besides this machine. Its methods are called in threads.

    Raises (each):
        OSError, Unavailable: Not now.
    """

    def keep(self, job_id: str, folder: Path) -> None:
        """What is in a job's folder."""

    def fetch(self, job_id: str, folder: Path) -> None:
        """Fill a folder with what a job has left."""


class Files:
    """Of one job.

    Args:
        connection: To the cluster.
        namespace: Of the pod.
        spec: The job.
        artifacts: The folder with a folder for each job's artifacts.
        shelf: Where they are kept besides; None: nowhere.
    """

    def __init__(
        self, connection: Connection, namespace: str, spec: JobSpec, artifacts: Path, shelf: Shelf | None
    ) -> None:
        self._connection = connection
        self._namespace = namespace
        self._spec = spec
        self._artifacts = artifacts
        self._shelf = shelf
        self._sent: AsyncIterator[bytes] | None = None
        self._came, self._taken = asyncio.Event(), asyncio.Event()

    async def send(self, sent: AsyncIterator[bytes], *, until: asyncio.Future[JobStatus]) -> None:
        """The source, from another machine; returns when it was taken, until when it can be sent again, or when the job has ended.

        Args:
            sent: A tar without its end.
            until: The job's end.
        """
        if not self._taken.is_set():
            self._sent = sent
            self._came.set()
            taken = asyncio.ensure_future(self._taken.wait())
            waited: set[asyncio.Future[Any]] = {taken, until}
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            taken.cancel()

    async def bring(self) -> None:
        """The source and other jobs' artifacts, to the container that takes them, which has started.

        Raises:
            BrignbError: It cannot be reached.
            OSError: A file cannot be read.
        """
        spec = self._spec
        if spec.source == SENT:
            await self._came.wait()
        own = [Path(spec.source)] if spec.use_source and spec.source and spec.source != SENT else []
        folders = [*own, *[await self._left(other) for other in spec.inputs]]
        attached = await attach(self._connection, self._namespace, spec.id, SOURCE, output=False)
        try:
            if self._sent is not None:
                async for chunk in self._sent:
                    await attached.write(chunk)
            await send(attached, chain(packed(folders), [END]))
            async for _ in attached.output():
                pass
        finally:
            await attached.close()
        self._taken.set()

    async def collect(self, status: JobStatus, *, ended: Callable[[], bool], say: Callable[[str], None]) -> JobStatus:
        """The job's artifacts, which come on the log of their container.

        Args:
            status: Of the job, which has succeeded.
            ended: Whether all of the pod has.
            say: Takes a sentence for each thing that could not be taken.

        Returns:
            The status with them; or a failed one, when they did not come whole.
        """
        where = path(self._namespace, "pods", self._spec.id, "log")
        log = bytearray()
        async for batch in Follower(self._connection, where, ARTIFACTS, ended=ended, gap=say).batches():
            log += b"".join(content for _, content in batch)
            if too_much(len(log)):
                break
            if DONE in log[-2 * len(DONE) :]:
                break
        try:
            into = self._artifacts / self._spec.id
            found = await asyncio.to_thread(unpacked, bytes(log), self._spec.artifacts, into)
            if self._shelf:
                await asyncio.to_thread(self._shelf.keep, self._spec.id, into)
        except (OSError, ValueError, Unavailable) as error:
            message = f"its artifacts could not be kept: {error}"
            return replace(status, state=State.FAILED, reason="artifacts", message=message)
        for problem in found.problems:
            say(problem)
        return replace(status, artifacts=found.paths)

    async def _left(self, job_id: str) -> Path:
        """What another job has left; fetched, where it ran under another process of the server."""
        folder = self._artifacts / job_id
        if self._shelf and not folder.is_dir():
            await asyncio.to_thread(self._shelf.fetch, job_id, folder)
        return folder
