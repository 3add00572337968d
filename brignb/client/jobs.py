"""The `server` executor: a worker without rights of its own has its server start its jobs (the server's half: `brignb.api.runs`).

    start ──POST──▶ the server, which checks both locks      source ──PUT, as a tar──▶
    logs ◀──lines as they come, and how the job is──           wait, cancel ──▶

A server that is replaced knows nothing of the jobs: they are started once more, with how far their logs were heard, and adopted. What must
never happen: a job that is started twice, a line that is told twice.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from brignb.client.asking import Asking
from brignb.errors import BadInput, BrignbError, JobRefused, NotFound, Unavailable, Unreachable
from brignb.model.assignment import Server
from brignb.model.builds import State
from brignb.model.jobs import Bookmark, JobSpec, JobStatus, Support
from brignb.model.logs import LogLine
from brignb.tars import packed

WAIT: Final = 20.0
"""Seconds of one question for a job's end; less than the silence that a connection may have."""

_log = logging.getLogger(__name__)


class Forgotten(NotFound):
    """Lines that the server does not keep any more."""


class ServerExecutor:
    """See the module, and the seam.

    Args:
        server: Who starts the jobs.
        name: Of the executor that it has for them.
    """

    def __init__(self, server: Server, *, name: str = "kubernetes") -> None:
        self.name = name
        self._server = server
        self._asking: Asking | None = None
        self._runs: dict[str, Run] = {}
        self._starts: dict[str, asyncio.Task[None]] = {}
        self._closed = False

    def supports(self, _spec: JobSpec) -> Support:
        """The server says it when a job is started."""
        return Support()

    async def start(self, spec: JobSpec) -> None:
        """Have it created, or the one of that id adopted.

        Raises:
            JobRefused: The server says what is wrong with it.
        """
        if spec.id not in self._starts:
            if self._closed:
                raise JobRefused(name=spec.name, job_id=spec.id, reason="the executor is closed")
            self._starts[spec.id] = asyncio.create_task(self._start(spec), name=f"start {spec.id}")
        await asyncio.shield(self._starts[spec.id])  # somebody else may wait for it too

    def logs(self, job_id: str, after: int = 0) -> AsyncIterator[list[LogLine]]:
        """Batches of lines from number `after` on; see the seam."""
        return self._run(job_id).follow(after)

    async def status(self, job_id: str) -> JobStatus:
        """What is known now."""
        return await self._run(job_id).current()

    async def wait(self, job_id: str) -> JobStatus:
        """The terminal status."""
        return await self._run(job_id).wait()

    async def cancel(self, job_id: str) -> None:
        """Have it killed, whole; returns when it is gone."""
        await self._run(job_id).cancel()

    async def close(self) -> None:
        """Have killed what still runs, and what is left of the jobs taken away."""
        self._closed = True
        await asyncio.gather(*self._starts.values(), return_exceptions=True)
        if self._asking is None:
            return
        try:
            ended = await self._asking.ask("DELETE", "") if self._runs else {}
            for job_id, status in ended.items():
                if job_id in self._runs:
                    self._runs[job_id].status = JobStatus.from_json(status)
        except BrignbError as error:  # then the attempt is over, and the server has ended them by itself
            _log.info("the server's jobs of this build: %s", error)
        await asyncio.gather(*(run.close() for run in self._runs.values()))
        asking, self._asking = self._asking, None
        await asking.close()

    async def _start(self, spec: JobSpec) -> None:
        try:
            self._asking = self._asking or Asking(self._server, "/api/worker/runs")
            run = Run(spec, self._asking)
            await run.start()
            self._runs[spec.id] = run
        except BaseException:
            del self._starts[spec.id]
            raise

    def _run(self, job_id: str) -> Run:
        if job_id not in self._runs:
            raise NotFound(f"no job {job_id} was started here")
        return self._runs[job_id]


class Run:
    """One job.

    Args:
        spec: What it is; its source is of this machine.
        asking: The server.
    """

    def __init__(self, spec: JobSpec, asking: Asking) -> None:
        self._spec = spec
        self._asking = asking
        self._path = f"/{spec.id}"
        self._heard = Bookmark()
        self._followers = 0
        self._source = Path(spec.source) if spec.use_source and spec.source else None
        self._sending: asyncio.Task[None] | None = None
        self.status = JobStatus(state=State.PENDING)

    async def start(self) -> None:
        """Have it made.

        Raises:
            JobRefused: See `ServerExecutor.start`.
        """
        if self._source and not self._source.is_dir():
            raise self._refused(f"source: {self._source} is not there")
        await self._ask_to_start(None)
        if self._source:
            self._sending = asyncio.create_task(self._send(self._source), name=f"source {self._spec.id}")

    async def follow(self, after: int) -> AsyncIterator[list[LogLine]]:
        """See the seam."""
        self._followers += 1
        try:
            while True:
                try:
                    async with aclosing(self._asking.lines(f"{self._path}/lines", after=after)) as heard:
                        async for news in heard:
                            if lines := self._take(news, after):
                                after += len(lines)
                                yield lines
                            if "end" in news:
                                return
                except Forgotten:
                    if after < self._heard.lines:  # somebody wants lines that were heard long ago
                        raise
                    await self._again()
                except (Unreachable, Unavailable, NotFound):  # cut, or replaced
                    await self._again()
        finally:
            self._followers -= 1

    async def current(self) -> JobStatus:
        """How it is: as a follower heard last, else asked."""
        if not self.status.state.terminal and not self._followers:
            await self._told("GET")
        return self.status

    async def wait(self) -> JobStatus:
        """How it ended."""
        while not self.status.state.terminal:
            await self._told("GET", params={"wait": WAIT})
        return self.status

    async def cancel(self) -> None:
        """End it; returns when it is gone."""
        if not self.status.state.terminal:
            await self._told("DELETE")

    async def close(self) -> None:
        """Let go of it."""
        if self._sending:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)

    def _take(self, news: Mapping[str, Any], after: int) -> list[LogLine]:
        """Of what a follower hears, the lines; the rest is remembered.

        Raises:
            NotFound: The server does not keep these lines any more.
        """
        if error := news.get("error"):
            raise Forgotten(error["message"])
        if status := news.get("end") or news.get("status"):
            self.status = JobStatus.from_json(status)
        lines = [LogLine(at, stream, text, partial=partial) for at, stream, text, partial in news.get("lines", ())]
        if lines and after + len(lines) > self._heard.lines:
            self._heard = Bookmark(lines=after + len(lines), at=news["at"], size=news["size"])
        return lines

    async def _told(self, method: str, **request: Any) -> None:
        """Ask for its status; a server that does not know the job is told of it."""
        while True:
            try:
                self.status = JobStatus.from_json(await self._asking.ask(method, self._path, **request))
            except NotFound:
                await self._again()
            else:
                return

    async def _again(self) -> None:
        """The server may be another one: it adopts the job. On the same one that changes nothing."""
        await self._ask_to_start(self._heard)

    async def _ask_to_start(self, told: Bookmark | None) -> None:
        asked = {"job": self._spec.to_json(), "told": asdict(told) if told else None}
        try:
            self.status = JobStatus.from_json(await self._asking.ask("POST", "", content=json.dumps(asked).encode()))
        except BadInput as error:
            raise self._refused(error.message) from error

    async def _send(self, source: Path) -> None:
        """The source, until it was taken whole or the job has ended."""
        while not self.status.state.terminal:
            try:
                await self._asking.ask("PUT", f"{self._path}/source", content=lambda: _chunks(source))
            except NotFound:
                await self._again()
            except (BrignbError, OSError) as error:
                _log.warning("the source of %s was not sent: %s", self._spec.id, error)
                await self.cancel()
            else:
                return

    def _refused(self, reason: str) -> JobRefused:
        return JobRefused(name=self._spec.name, job_id=self._spec.id, reason=reason)


async def _chunks(source: Path) -> AsyncIterator[bytes]:
    chunks = packed([source])
    while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
        yield chunk
