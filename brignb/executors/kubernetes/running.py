"""One job as a pod, from its objects to its last word.

    making ──▶ scheduled ──▶ (source received) ──▶ started: attach, say go ──▶ lines ──▶ frame: exit code, outputs ──▶ artifacts ──▶ terminal
                 │ no node, no image, …: fate                                    │ no frame: the pod's fate

Enters: what the hub hears, what streams bring. Leaves: lines in its `backlog`, a terminal `JobStatus`, told once.

The exit code is learnt from the wrapper's frame, which a log line carries, and confirmed by the pod's phase, a second later. Where there
is no frame (no tasks, out of memory, killed), the phase is all there is.

What must never happen: two last words; a wait for a pod that is gone.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from typing import Any, Final

from brignb.cluster.connection import Connection
from brignb.errors import BrignbError, Refused
from brignb.executors.backlog import Backlog
from brignb.executors.kubernetes import beside, fate, stages
from brignb.executors.kubernetes.files import Files
from brignb.executors.kubernetes.hub import about
from brignb.executors.kubernetes.making import Made, delete_pod
from brignb.executors.kubernetes.naming import ARTIFACTS, MAIN, SOURCE
from brignb.executors.kubernetes.output import Output
from brignb.executors.kubernetes.patience import Patience
from brignb.executors.kubernetes.settings import Settings
from brignb.executors.kubernetes.telling import Telling
from brignb.model.builds import State
from brignb.model.jobs import Bookmark, JobSpec, JobStatus

GONE_WITHIN: Final = 60.0
"""Seconds after the grace in which a node says that a pod is gone."""


class Run:
    """A job that is a pod; a `hub.Listener`.

    Args:
        spec: What it is.
        settings: The operator's.
        now_ms: The time, in milliseconds since 1970.
        told: How far another process has told its log, which is gone; None: it is new.
    """

    def __init__(self, spec: JobSpec, *, settings: Settings, now_ms: Callable[[], int], told: Bookmark | None) -> None:
        self.spec = spec
        self.told = told
        self._known = told is not None and told.lines > 0  # what it says of itself at its beginning was said
        self._settings = settings
        self._now_ms = now_ms
        self._loop = asyncio.get_running_loop()
        self._room = asyncio.Event()
        self.backlog = Backlog(spec.id, self._room.set, first=told.lines if told else 0)
        self._telling = Telling(self.backlog, self._room, now_ms=now_ms, nonce=None)
        self._stages = stages.Stages()
        self._pod: fate.Pod | None = None
        self._started = {name: asyncio.Event() for name in (MAIN, SOURCE, *spec.sidecars)}
        self._beside: asyncio.Task[None] | None = None
        self._output: Output | None = None
        self._files: Files | None = None
        self._told_to_end: JobStatus | None = None
        self._patience = Patience(lambda found: self.end(State.FAILED, found.reason, found.message, grace=0))
        self._alarms: list[asyncio.TimerHandle] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._verdict: asyncio.Future[JobStatus | None] = self._loop.create_future()
        self._ended: asyncio.Future[JobStatus] = self._loop.create_future()
        self._gone = asyncio.Event()
        self.made = False
        self.left: Callable[[], None] = lambda: None  # nobody is to tell it anything any more
        self.status = JobStatus(state=State.PENDING, stage=stages.SCHEDULING)

    # what whoever started it asks

    def say(self, *texts: str) -> None:
        """Lines of brignb's own."""
        self._telling.say(*texts)

    def begin(self, made: Made, connection: Connection, namespace: str, files: Files) -> None:
        """Its pod is there."""
        self._connection, self.namespace = connection, namespace
        self.made = True
        self._telling = Telling(self.backlog, self._room, now_ms=self._now_ms, nonce=made.nonce, since=self.told)
        self._output = Output(
            connection,
            namespace,
            made,
            self._telling,
            ended=self._verdict.done,
            failed=functools.partial(self.end, State.FAILED, "attach"),
            since=self.told.at if self.told else None,
        )
        self._files = files
        self._spawn(self._see_through(self._output, files), "job")
        self.pod(made.pod)
        self._known = False
        if self._told_to_end:  # while it was being made
            self._spawn(self._delete(self._settings.grace), "end")

    def fail(self, reason: str, message: str) -> None:
        """It will not be a pod."""
        self.say(message)
        self._finish(JobStatus(state=State.FAILED, reason=reason, message=message))

    async def wait(self) -> JobStatus:
        """Its terminal status."""
        return await asyncio.shield(self._ended)

    @property
    def done(self) -> bool:
        """Whether it has its terminal status."""
        return self._ended.done()

    def end(self, state: State, reason: str, message: str, *, grace: int | None = None) -> None:
        """Have it ended; the first reason counts, and none once it has ended by itself."""
        if self.done:
            return
        if self._told_to_end is None:
            self._told_to_end = JobStatus(state=state, reason=reason, message=message)
            self.say(message)
        if self.made:
            self._spawn(self._delete(self._settings.grace if grace is None else grace), "end")

    @property
    def bookmark(self) -> Bookmark:
        """How far its lines have come."""
        return self._telling.bookmark

    async def bring(self, sent: AsyncIterator[bytes]) -> None:
        """Its source, for which it waits; returns when it was taken, or nobody wants it any more."""
        if self._files:
            await self._files.send(sent, until=self._ended)

    async def close(self) -> None:
        """Let go of it."""
        self.left()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # what the hub hears

    def pod(self, pod: fate.Pod) -> None:
        """See `hub.Listener`."""
        self._pod = fate.kept(pod)
        if fate.running_since(pod) is not None:
            self._start(MAIN)
        for status in pod["status"].get("initContainerStatuses", ()):
            if status["name"] in self._started and status.get("state", {}).get("running"):
                self._start(status["name"])
        self._patience.see(None if self.done else fate.hindrance(pod, self._settings))
        verdict = fate.verdict(pod)
        if verdict and not self._verdict.done():
            self._verdict.set_result(verdict)
            self._hurry()

    def event(self, event: dict[str, Any]) -> None:
        """See `hub.Listener`."""
        reason, _, container = about(event)
        if reason == "Started" and container in self._started:
            self._start(container)
        if sentence := self._stages.event(event):
            self.say(sentence)
        if self.status.state is State.PENDING:
            self.status = replace(self.status, stage=self._stages.stage)

    def gone(self, last: fate.Pod | None) -> None:
        """See `hub.Listener`."""
        self._gone.set()
        if not self._verdict.done():
            self._verdict.set_result(self._told_to_end or fate.deleted(last or self._pod))
        self._hurry()

    def cut_off(self, error: BrignbError) -> None:
        """See `hub.Listener`."""
        if not self.done:
            self.say(f"the cluster cannot be followed any more: {error}")
            reason = "unauthorized" if isinstance(error, Refused) else "unreachable"
            self._finish(JobStatus(state=State.LOST, reason=reason, message=error.message))
            for task in self._tasks:
                task.cancel()

    def reached_again(self) -> None:
        """See `hub.Listener`."""
        if self._output:
            self._output.follower.again()

    # its life

    async def _see_through(self, output: Output, files: Files) -> None:
        """From its pod to its last word."""
        try:
            self._spawn(self._bring(files), "source")
            if self.spec.sidecars:
                self._beside = self._spawn(beside.follow(output, self._started, self._telling), "sidecars")
            started, verdict = self._loop.create_task(self._started[MAIN].wait()), self._verdict
            waited: set[asyncio.Future[Any]] = {started, verdict}
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            started.cancel()
            if self._started[MAIN].is_set():
                await output.read()
            await self._last_word(files)
        except BrignbError as error:
            self.say(error.message)
            self._finish(JobStatus(state=State.LOST, reason=error.code, message=error.message))
        except Exception as error:
            self._finish(JobStatus(state=State.LOST, reason=type(error).__name__, message="brignb itself failed"))
            raise

    async def _last_word(self, files: Files) -> None:
        """The verdict, outputs, artifacts."""
        word = self._telling.frame.word
        if self._told_to_end:
            await self._until_gone()
        elif word is None or fate.may_be_oom(word.exit_code):
            await asyncio.wait({self._verdict})
        verdict = self._verdict.result() if self._verdict.done() else None
        code = word.exit_code if word else None
        status = fate.judged(self._told_to_end, code, verdict, self._pod)
        if word:
            status = replace(status, outputs=word.outputs.values)
            self.say(*word.outputs.problems)
        status = replace(status, started_at=self.status.started_at, finished_at=self._now_ms())
        if status.succeeded and fate.has(self._pod, ARTIFACTS):
            status = await files.collect(
                status, ended=lambda: self._gone.is_set() or fate.over(self._pod), say=self.say
            )
        if status.reason not in {None, "exit_code", "signal"} and self._told_to_end is None and status.message:
            self.say(status.message)
        self._finish(status)

    async def _until_gone(self) -> None:
        """Whoever had it killed wants it dead; a node that does not answer is not waited for without an end."""
        try:
            await asyncio.wait_for(self._gone.wait(), self._settings.grace + GONE_WITHIN)
        except TimeoutError:
            self.say("its node does not say that it is gone")

    def _finish(self, status: JobStatus) -> None:
        if self._ended.done():
            return
        for alarm in self._alarms:
            alarm.cancel()
        self._patience.see(None)
        if self._beside:
            self._beside.cancel()
        self.status = replace(status, stage=None, finished_at=status.finished_at or self._now_ms())
        self._ended.set_result(self.status)
        self.backlog.end()

    # what keeps it, what ends it

    def _start(self, container: str) -> None:
        if self._started[container].is_set():
            return
        self._started[container].set()
        if container == MAIN and not self.done:
            self._stages.reach(stages.RUNNING)
            now = self._now_ms()
            since = (fate.running_since(self._pod) if self._known and self._pod else None) or now
            self.status = JobStatus(state=State.RUNNING, started_at=since, stage=stages.RUNNING)
            left = max(0.0, self.spec.timeout - (now - since) / 1000)
            self._alarms.append(self._loop.call_later(left, self._time_is_up))
            if not self._known:
                self.say("started")

    def _time_is_up(self) -> None:
        self.end(State.TIMED_OUT, "timeout", f"killed: it ran for its timeout of {self.spec.timeout:g} s")

    async def _delete(self, grace: int) -> None:
        try:
            await delete_pod(self._connection, self.namespace, self.spec.id, grace=grace)
        except BrignbError as error:
            self.say(f"its pod could not be deleted: {error.message}")
            if self._told_to_end:
                self._finish(replace(self._told_to_end, message=f"{self._told_to_end.message}; {error.message}"))

    async def _bring(self, files: Files) -> None:
        """The source, once its container listens."""
        await self._started[SOURCE].wait()
        try:
            await files.bring()
        except (BrignbError, OSError) as error:
            if not self._verdict.done():
                self.end(State.FAILED, "source", f"the source could not be brought: {error}")

    def _hurry(self) -> None:
        if self._output:
            self._output.follower.hurry()

    def _spawn(self, coroutine: Coroutine[Any, Any, None], what: str) -> asyncio.Task[None]:
        task = self._loop.create_task(coroutine, name=f"{what} {self.spec.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
