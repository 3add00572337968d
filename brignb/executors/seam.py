"""The Executor seam: start a JobSpec, know its status, read its lines, cancel it.

Plain values go in and come out, so that an executor can be on another machine. An id is started once: `start` of an id that it has
already adopts what is there. Lines are numbered from 0 in the order in which they were seen; a follower that lost its connection
asks again from the number after its last one. What an executor cannot give it says itself, in `system` lines at the log's beginning.

What must never happen: a job that outlives its executor's last word on it; an environment that holds more than the spec says (and
the minimal base that the executor documents); a line that is lost in silence.

Every implementation passes `tests/contract/test_executor.py`. All coroutines are called on one event loop.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from brignb.model.jobs import Bookmark, JobSpec, JobStatus, Support
from brignb.model.logs import LogLine


class Executor(Protocol):
    """See the module."""

    @property
    def name(self) -> str:
        """`process`, `podman`, `kubernetes`."""

    def supports(self, spec: JobSpec) -> Support:
        """What it cannot give of this spec: `start` puts the reports into the job's log and raises the refusals."""

    async def start(self, spec: JobSpec) -> None:
        """Create the job, or adopt the one of that id.

        Raises:
            JobRefused: It cannot be started as it is (no such shell, a folder that is not there, refused fields).
        """

    def logs(self, job_id: str, after: int = 0) -> AsyncIterator[list[LogLine]]:
        """Batches of lines from number `after` on, as they come; ends when the job has ended and all was told.

        A consumer that is slower than the job holds the job up, and so does the lack of one, once a few MiB of lines wait; a job
        that has ended is never held up. The last 1,000 lines told, or 1 MiB of them, can be asked for again.

        Raises:
            NotFound: No job of that id was started here, or lines from that number on are not kept any more.
        """

    async def status(self, job_id: str) -> JobStatus:
        """What is known now.

        Raises:
            NotFound: No job of that id was started here.
        """

    async def wait(self, job_id: str) -> JobStatus:
        """The terminal status, once there is one; all processes of the job are gone by then."""

    async def cancel(self, job_id: str) -> None:
        """Kill it, whole; returns when it is gone. Canceling an ended job changes nothing."""

    async def close(self) -> None:
        """Kill what still runs and let go of everything."""


class Adopting(Executor, Protocol):
    """An executor whose jobs outlive it, and that takes files of other machines: what a server has for those that it serves."""

    async def start(self, spec: JobSpec, told: Bookmark | None = None) -> None:
        """Create the job, or adopt the one of that id.

        Args:
            spec: The job. Of one whose source is `SENT`, `bring` brings it.
            told: How far another process, which is gone, has told the log of this job: it is adopted, or ends at once; never made again.

        Raises:
            JobRefused: It cannot be started as it is.
        """

    async def bring(self, job_id: str, sent: AsyncIterator[bytes]) -> None:
        """The source of a job that waits for it, a tar without its end; returns when it was taken, or nobody wants it any more."""

    def bookmark(self, job_id: str) -> Bookmark:
        """The place after the batch that `logs` gave last, if nothing was awaited since."""

    async def leave(self) -> None:
        """Let go of everything, and let the jobs go on."""
