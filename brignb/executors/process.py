"""The process executor: jobs as processes of this machine.

Each job runs in bubblewrap where that works, with `/src`, `/tmp` and a process tree of its own and the rest of the machine read-only,
else below a supervisor (`supervise`), where the source is its working directory. The network and the user are this process's. What an
image would have brought has to be on the machine. See `program` for its environment, `asking` for what is reported and refused.

What must never happen: see the seam. A job dies with the thread that called `start`: by PDEATHSIG in bubblewrap, else by the end of
the supervisor's stdin.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

from brignb.errors import JobRefused, NotFound
from brignb.executors import sandbox
from brignb.executors.asking import support
from brignb.executors.containing import Launch, Program, in_sandbox, supervised
from brignb.executors.folders import Folders, folders
from brignb.executors.running import Run
from brignb.model.builds import State
from brignb.model.jobs import JobSpec, JobStatus, Support
from brignb.model.logs import LogLine

GRACE: Final = 5.0
"""Seconds between SIGTERM and SIGKILL."""


class ProcessExecutor:
    """See the module.

    Args:
        work: A folder for jobs' private files, storage and artifacts; whoever made it takes it away.
        now_ms: The time, in milliseconds since 1970.
        cache: The folder of what is kept between builds; None: jobs that want some are refused.
        sandboxed: Whether bubblewrap is used; None: where it works.
        grace: Seconds between SIGTERM and SIGKILL.
    """

    name = "process"

    def __init__(
        self,
        work: Path,
        *,
        now_ms: Callable[[], int],
        cache: Path | None,
        sandboxed: bool | None = None,
        grace: float = GRACE,
    ) -> None:
        self._work = work
        self._now_ms = now_ms
        self._cache = cache
        self._no_sandbox = "it was not asked for" if sandboxed is False else sandbox.why_not()
        if sandboxed and self._no_sandbox:
            raise ValueError(self._no_sandbox)
        self._grace = grace
        self._runs: dict[str, Run] = {}
        self._starts: dict[str, asyncio.Task[None]] = {}
        self._closed = False

    def supports(self, spec: JobSpec) -> Support:
        """What it cannot give of this spec. `start` puts the reports at the log's beginning, and raises the refusals."""
        return support(spec, no_sandbox=self._no_sandbox, has_cache=self._cache is not None)

    async def start(self, spec: JobSpec) -> None:
        """Create the job, or adopt the one of that id.

        Raises:
            JobRefused: It cannot be started as it is, or the machine cannot start it now.
        """
        if spec.id not in self._runs:
            said = self._agreed(spec)
            place = folders(spec, self._work, self._cache, sandboxed=self._no_sandbox is None)
            run = self._runs[spec.id] = Run(spec, place, now_ms=self._now_ms, grace=self._grace)
            self._starts[spec.id] = asyncio.create_task(self._start(run, spec, place, said), name=f"start {spec.id}")
        await asyncio.shield(self._starts[spec.id])  # somebody else may wait for it too

    def logs(self, job_id: str, after: int = 0) -> AsyncIterator[list[LogLine]]:
        """Batches of lines from number `after` on; see the seam."""
        return self._run(job_id).follow(after)

    async def status(self, job_id: str) -> JobStatus:
        """What is known now."""
        return self._run(job_id).status

    async def wait(self, job_id: str) -> JobStatus:
        """The terminal status; all processes of the job are gone by then."""
        return await self._run(job_id).wait()

    async def cancel(self, job_id: str) -> None:
        """Kill it, whole, with the grace; returns when it is gone."""
        await self._end(job_id, at_once=False)

    def artifacts(self, job_id: str) -> Path:
        """The folder of what a job left for others; what it left elsewhere can be put there."""
        return self._work / "artifacts" / job_id

    async def close(self) -> None:
        """Kill what still runs, without a grace; how a job ended before is no concern of it."""
        self._closed = True
        left = [job_id for job_id, run in self._runs.items() if not run.over]
        await asyncio.gather(*(self._end(job_id, at_once=True) for job_id in left))

    def _agreed(self, spec: JobSpec) -> Support:
        said = self.supports(spec)
        if self._closed:
            said = Support(refusals=("the executor is closed",))
        if said.refusals:
            raise JobRefused(name=spec.name, job_id=spec.id, reason="; ".join(said.refusals))
        return said

    async def _start(self, run: Run, spec: JobSpec, place: Folders, said: Support) -> None:
        inputs = list(map(self.artifacts, spec.inputs))
        try:
            await run.start(self._launch(place), inputs, said.reports)
        except OSError as error:
            del self._runs[spec.id]
            raise JobRefused(name=spec.name, job_id=spec.id, reason=f"it cannot be started now: {error}") from error
        except BaseException:
            del self._runs[spec.id]
            raise

    def _launch(self, place: Folders) -> Callable[[Program, int], Launch]:
        if not place.sandboxed:
            return supervised
        hidden = [self._work, *([self._cache] if self._cache else [])]
        return functools.partial(in_sandbox, binds=place.binds, hidden=tuple(hidden))

    async def _end(self, job_id: str, *, at_once: bool) -> None:
        run = self._run(job_id)
        await asyncio.wait([self._starts[job_id]])
        if job_id in self._runs:
            run.end(State.CANCELED, "canceled", "canceled", at_once=at_once)
            await run.wait()

    def _run(self, job_id: str) -> Run:
        if job_id not in self._runs:
            raise NotFound(f"no job {job_id} was started here")
        return self._runs[job_id]
