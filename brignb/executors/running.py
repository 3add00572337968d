"""One job, from its folders to its last word.

    pending → (folders, inputs, script) → running → (main process ends, or is told to) → everything is gone
            → last lines, outputs, artifacts → terminal

Enters: a specification without refusals. Leaves: lines in its `backlog`, and a terminal `JobStatus` once no process of it is left.
Told to end, it gets SIGTERM, and SIGKILL after the grace.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from brignb.executors.artifacts import bring
from brignb.executors.backlog import Backlog
from brignb.executors.contained import STDERR, STDOUT, Contained
from brignb.executors.containing import Launch, Program
from brignb.executors.ending import ended_by_itself, gather
from brignb.executors.folders import Folders
from brignb.executors.lines import Lines
from brignb.executors.program import program
from brignb.executors.sandbox import TRIES, unmade
from brignb.model.builds import State
from brignb.model.jobs import JobSpec, JobStatus
from brignb.model.logs import LogLine

PARTIAL_AFTER: Final = 0.05
"""Seconds that the beginning of a line waits for its end."""


class Run:
    """A job that runs, or has run.

    Args:
        spec: What it is.
        place: Its folders.
        now_ms: The time, in milliseconds since 1970.
        grace: Seconds between SIGTERM and SIGKILL.
    """

    def __init__(self, spec: JobSpec, place: Folders, *, now_ms: Callable[[], int], grace: float) -> None:
        self._spec = spec
        self._place = place
        self._now_ms = now_ms
        self._grace = grace
        self._loop = asyncio.get_running_loop()
        self._backlog = Backlog(spec.id, self._go_on)
        self._lines = {STDOUT: Lines("stdout"), STDERR: Lines("stderr")}
        self._since: dict[int, float] = {}
        self._flushes: dict[int, asyncio.TimerHandle] = {}
        self._alarms: list[asyncio.TimerHandle] = []
        self._contained: Contained | None = None
        self._last_error = b""
        self._paused = False
        self._told_to_end: JobStatus | None = None
        self._done: asyncio.Future[JobStatus] = self._loop.create_future()
        self.status = JobStatus(state=State.PENDING)

    async def start(
        self, launch: Callable[[Program, int], Launch], artifacts: Sequence[Path], reports: Sequence[str]
    ) -> None:
        """Make everything ready and start it.

        Args:
            launch: Makes a container of a program and the descriptor for its news.
            artifacts: Folders of the jobs whose artifacts it wants.
            reports: What it runs without; the log begins with it.

        Raises:
            JobRefused: It cannot be started as it is.
            OSError: The machine has not what it needs: a process, the disk.
        """
        try:
            problems = await asyncio.to_thread(self._prepare, artifacts)
            what = program(self._spec, self._place)
            self._say(*reports, *problems)
            self.status = JobStatus(state=State.RUNNING, started_at=self._now_ms())
            spawn = partial(Contained.spawn, lambda fd: launch(what, fd), self._read)
            self._contained = await spawn()
        except BaseException:
            await asyncio.to_thread(self._place.clear)
            raise
        self._alarms.append(self._loop.call_later(self._spec.timeout, self._time_is_up))
        self._whole_life = asyncio.create_task(self._see_through(self._contained, spawn), name=f"job {self._spec.id}")

    def follow(self, after: int) -> AsyncIterator[list[LogLine]]:
        """Its lines, from number `after` on."""
        return self._backlog.follow(after)

    async def wait(self) -> JobStatus:
        """Its terminal status."""
        return await asyncio.shield(self._done)

    @property
    def over(self) -> bool:
        """Whether `wait` answers at once: it has ended, or brignb failed to see it through."""
        return self._done.done()

    def end(self, state: State, reason: str, message: str, *, at_once: bool = False) -> None:
        """Have it ended; the first reason counts, and none once it has ended by itself."""
        if self._contained is None or self._contained.has_ended:
            return
        if self._told_to_end is None:
            self._told_to_end = JobStatus(state=state, reason=reason, message=message)
            self._say(message)
            if not at_once:
                self._contained.terminate()
                self._alarms.append(self._loop.call_later(self._grace, self._contained.kill))
        if at_once:
            self._contained.kill()

    def _prepare(self, artifacts: Sequence[Path]) -> list[str]:
        self._place.make()
        if self._spec.tasks:
            self._place.write_script(self._spec.script())
        return bring(artifacts, self._place.source or self._place.tmp)

    def _time_is_up(self) -> None:
        self.end(State.TIMED_OUT, "timeout", f"killed: it ran for its timeout of {self._spec.timeout:g} s")

    def _read(self, fd: int, data: bytes) -> None:
        """Bytes came."""
        if fd == STDERR:
            self._last_error = data
        told = self._lines[fd].feed(data, self._now_ms())
        self._backlog.add(told)
        if told:
            self._since[fd] = self._loop.time()
        if self._lines[fd].waiting and fd not in self._flushes:
            self._flushes[fd] = self._loop.call_later(PARTIAL_AFTER, self._flush, fd)
        if self._backlog.full and not self._paused and self._contained:
            self._paused = True
            self._contained.pause()

    def _flush(self, fd: int) -> None:
        """The end of a line did not come in time, unless what waits now is the beginning of a later one."""
        due = self._since.get(fd, 0.0) + PARTIAL_AFTER
        if due > self._loop.time():
            self._flushes[fd] = self._loop.call_at(due, self._flush, fd)
        else:
            del self._flushes[fd]
            self._backlog.add(self._lines[fd].flush(self._now_ms()))

    def _go_on(self) -> None:
        """Followers have caught up."""
        if self._paused and self._contained:
            self._paused = False
            self._contained.resume()

    async def _see_through(self, contained: Contained, spawn: Callable[[], Awaitable[Contained]]) -> None:
        """From its start to its last word; a container that could not be made, though it can, is made again."""
        try:
            for _ in range(TRIES - 1):
                await contained.ended()
                if (
                    self._told_to_end
                    or contained.exit_code is not None
                    or not unmade(self._last_error.decode("utf-8", "replace"))
                ):
                    break
                await contained.drained()
                self._say("a mount of this machine's went away while the sandbox was being made: it is made again")
                contained = self._contained = await spawn()
            self.status = await self._last_word(contained)
        except BaseException as error:
            self._done.set_exception(error)  # whoever waits must hear of it, and not wait for ever
            raise
        else:
            self._done.set_result(self.status)
        finally:
            for alarm in (*self._alarms, *self._flushes.values()):
                alarm.cancel()
            self._backlog.end()

    async def _last_word(self, contained: Contained) -> JobStatus:
        await contained.ended()
        status = replace(self._verdict(contained), started_at=self.status.started_at, finished_at=self._now_ms())
        held_open = not await contained.drained()
        for lines in self._lines.values():
            self._backlog.add(lines.end(self._now_ms()))
        if held_open:
            self._say("its output was still held open by a process that left the job")
        status, problems = await asyncio.to_thread(gather, self._spec, self._place, status)
        self._say(*problems)
        return status

    def _verdict(self, contained: Contained) -> JobStatus:
        own = ended_by_itself(contained.exit_code, contained.container_code)
        return replace(self._told_to_end, exit_code=own.exit_code) if self._told_to_end else own

    def _say(self, *texts: str) -> None:
        """Lines of brignb's own."""
        self._backlog.add([LogLine(self._now_ms(), "system", text.replace("\n", " ")) for text in texts])
