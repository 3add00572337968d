"""One run of a job, with its tries.

    pending → (delay of a retry, source) → executor.start → running → lines, until it has ended → terminal
       └── canceled, refused, no source: terminal without a start                                    └── tried again?

Enters: an `Order`. Leaves: each state, told to the session and to the handle, in order; lines, through a `Pump`. All of it happens
on the job loop. What must never happen: a run that ends while a process of it is left.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from brignb.errors import BrignbError, JobRefused, SourceError
from brignb.model.builds import JobRecord, State
from brignb.model.jobs import JobSpec, JobStatus
from brignb.script.portal import in_thread
from brignb.script.pump import Pump

if TYPE_CHECKING:
    from brignb.script.handle import JobHandle
    from brignb.script.session import Remembered, Session

RETRY_DELAY_MAX: Final = 300.0
"""Seconds; delays double up to this."""
REFUSED: Final = "refused"
OUTPUTS_MAX: Final = 64 * 1024
"""Characters of a job's outputs that are told outside of its worker; of one with more, none are."""
_RETRIED: Final = frozenset({State.FAILED, State.TIMED_OUT, State.LOST})


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What `Job.run()` asks for.

    Args:
        spec: Without an id and a source, which each try has of its own.
        run: The how-manyth run of that name.
        retries: How often it is tried again.
        retry_delay: Seconds before the second try.
        fallible: Its failure is not raised.
        fresh: It runs, whatever is remembered.
        inputs: The runs whose artifacts it wants; None where only an id is known.
    """

    spec: JobSpec
    run: int
    retries: int
    retry_delay: float
    fallible: bool
    fresh: bool = False
    inputs: tuple[JobHandle | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Try:
    """What is known of one try: its number, from 1, the job's id in it, its status, and whether that is one of before."""

    number: int
    id: str
    status: JobStatus
    remembered: bool = False


class Running:
    """See the module.

    Args:
        session: Whose executor, archive and listeners are used.
        order: What to run.
        changed: Hears of each state of each try.
        grew: Is called when there are new lines in the archive.
    """

    def __init__(
        self, session: Session, order: Order, *, changed: Callable[[Try], None], grew: Callable[[], None]
    ) -> None:
        self._session = session
        self._order = order
        self._changed = changed
        self._grew = grew
        self._executor = session.executor
        self._canceled = asyncio.Event()
        self._pump: Pump | None = None
        made = [each.digest if each else None for each in order.inputs]
        self.digest = order.spec.digest(commit=session.commit(), redact=session.redactor.tree, inputs=made)
        self._try = self.first()

    def first(self) -> Try:
        """The first try, before anything has begun."""
        return Try(1, self._id(1), JobStatus(state=State.PENDING))

    def tail(self) -> tuple[str, ...]:
        """The last lines of the last try."""
        return self._pump.tail() if self._pump else ()

    def coloured_tail(self) -> tuple[str, ...]:
        """The same with its control sequences."""
        return self._pump.coloured_tail() if self._pump else ()

    def cancel(self) -> None:
        """End it; on the job loop."""
        self._canceled.set()

    async def run(self) -> None:
        """All of it. What never started is not tried again: it would not start then either."""
        if (known := self._remembered()) is not None:
            await self._recall(known)
            return
        for number in itertools.count(1):
            status = await self._one(number)
            retried = status.state in _RETRIED and status.started_at is not None
            if not retried or number > self._order.retries:
                return

    def _id(self, number: int) -> str:
        return self._session.job_id(self._order.spec.name, self._order.run, number)

    def _remembered(self) -> Remembered | None:
        """Unless it is to be run anyway, or its inputs are of now, or something that it left is not kept."""
        order = self._order
        if self.digest is None or order.fresh or not all(each and each.remembered for each in order.inputs):
            return None
        known = self._session.remembers(self.digest)
        return None if known is None or (order.spec.artifacts and not known.status.artifacts) else known

    async def _recall(self, known: Remembered) -> None:
        """It has succeeded before: what is recorded of that is how this run ends."""
        self._tell(self._try.status)
        if known.status.artifacts:
            await in_thread(lambda: known.restore(self._try.id))
        pump = self._pump = Pump(self._session, self._try.id, self._grew)
        pump.take(known.lines)
        pump.say(f"brignb: remembered from build {known.build_id}, not run; run(fresh=True) runs it")
        pump.end()
        self._try = replace(self._try, remembered=True)
        self._tell(known.status)

    async def _one(self, number: int) -> JobStatus:
        """One try, from pending to its terminal status, which is told."""
        self._try = Try(number, self._id(number), JobStatus(state=State.PENDING))
        self._tell(self._try.status)
        try:
            pump = self._pump = Pump(self._session, self._try.id, self._grew)
            status = await self._pursued(pump)
            pump.end()
        except BrignbError as error:
            status = self._unstarted(State.FAILED, *_because(error))
        except Exception as error:
            self._tell(self._unstarted(State.LOST, type(error).__name__, "brignb itself failed"))
            raise
        self._tell(status)
        return status

    async def _pursued(self, pump: Pump) -> JobStatus:
        number, order = self._try.number, self._order
        if number > 1:
            delay = min(order.retry_delay * 2 ** (number - 2), RETRY_DELAY_MAX)
            pump.say(f"brignb: try {number} of {order.retries + 1}, {delay:g} seconds after the last one")
            await self._canceled_within(delay)
        source = await in_thread(self._session.source_folder) if order.spec.use_source else None
        if self._canceled.is_set():
            return self._unstarted(State.CANCELED, "canceled", None)
        await self._executor.start(replace(order.spec, id=self._try.id, source=source))
        return await self._followed(pump)

    async def _followed(self, pump: Pump) -> JobStatus:
        """From its start to its end, canceled in between when somebody asks for it, or when its lines cannot be kept."""
        executor, job_id = self._executor, self._try.id
        killer = asyncio.create_task(self._kill_when_canceled(), name=f"cancel {job_id}")
        try:
            await self._note_running()
            async for lines in executor.logs(job_id):
                await self._note_running()
                pump.take(lines)
            await self._note_running()
            return await executor.wait(job_id)
        except BaseException:
            await executor.cancel(job_id)
            raise
        finally:
            if not self._canceled.is_set():
                killer.cancel()
            await asyncio.wait({killer})

    async def _kill_when_canceled(self) -> None:
        await self._canceled.wait()
        await self._executor.cancel(self._try.id)

    async def _canceled_within(self, seconds: float) -> None:
        waiting = asyncio.create_task(self._canceled.wait())
        await asyncio.wait({waiting}, timeout=seconds)
        waiting.cancel()

    async def _note_running(self) -> None:
        """Tell once that it runs, which may be later than its start (a pod waits for a place), and its stages on the way."""
        before = self._try.status
        if before.state is State.PENDING:
            status = await self._executor.status(self._try.id)
            if status.state is not State.PENDING:
                self._tell(JobStatus(state=State.RUNNING, started_at=status.started_at))
            elif status.stage != before.stage:
                self._try = replace(self._try, status=replace(before, stage=status.stage))
                self._changed(self._try)

    def _unstarted(self, state: State, reason: str, message: str | None) -> JobStatus:
        """The end of a try of which the executor has nothing to say."""
        return replace(
            self._try.status, state=state, reason=reason, message=message, finished_at=self._session.now_ms()
        )

    def _tell(self, status: JobStatus) -> None:
        self._try = replace(self._try, status=status)
        outputs = {name: str(value) for name, value in self._session.redactor.tree(dict(status.outputs)).items()}
        small = sum(map(len, (*outputs, *outputs.values()))) <= OUTPUTS_MAX
        whole = (
            status.succeeded and small and outputs == status.outputs
        )  # else the record could not stand for another run
        self._session.told(
            JobRecord(
                id=self._try.id,
                build_id=self._session.build_id,
                attempt=self._session.attempt,
                name=self._order.spec.name,
                image=self._order.spec.image,
                state=status.state,
                exit_code=status.exit_code,
                reason=status.reason,
                started_at=status.started_at,
                finished_at=status.finished_at,
                digest=self.digest if whole else None,
                outputs=outputs if small else {},
            )
        )
        self._changed(self._try)


def _because(error: BrignbError) -> tuple[str, str]:
    """One word for programs, a sentence for people."""
    if isinstance(error, JobRefused):
        return REFUSED, error.reason or error.hint
    return error.reason if isinstance(error, SourceError) else error.code, error.message
