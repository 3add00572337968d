"""One build, handled in this kernel: the real event, a session that is the build's, and what is seen of it told to the server.

    started (durable) ──▶ handler, handler, … after | error ──▶ streams told to their end ──▶ finished

It is what a worker does after the notebook's cells (`worker.following`), with the kernel's own handlers. What must never happen: a
handler before the server has noted its start; an end of the kernel's own making for a build that is not its any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import re
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from brignb.archive.seam import JOURNAL, WORKER, whole
from brignb.client import Listener
from brignb.engine.bundles import clean_text
from brignb.engine.scribe import Scribe
from brignb.engine.seam import EventCell, Failure, Plan
from brignb.engine.telling import MESSAGE_MAX, error_text, message_of, reason_of, users_frames
from brignb.model.builds import CANCELED, Outcome, State
from brignb.model.events import Event
from brignb.model.times import parse_rfc3339
from brignb.script import calling, portal, registry
from brignb.script import project as bound
from brignb.script import session as sessions
from brignb.script.handlers import Handler
from brignb.script.session import Session
from brignb.wiring.clock import now_ms
from brignb.wiring.reporting import Reporter
from brignb.wiring.taping import Tape, TapedView
from brignb.worker.following import Following
from brignb.worker.sink import ArchiveSink

_INTERRUPTED: Final = Outcome(
    state=State.CANCELED, reason="interrupted", message="it was interrupted in the notebook that handled it"
)


@dataclass(frozen=True, slots=True)
class Offer:
    """A build that was offered, and taken."""

    build_id: str
    attempt: int
    created_ms: int
    event: Event

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Offer:
        """Of the API's answer."""
        made = parse_rfc3339(data["created_at"])
        return cls(data["build"], data["attempt"], made, Event.from_json(data["event"]))


class Handling:
    """See the module.

    Args:
        offer: The build.
        listener: Who tells of it.
        lost: Set when the build is not this kernel's any more.
        why_ended: What somebody else ended it for, `canceled` or `lost`; None: nobody did.
    """

    def __init__(
        self, offer: Offer, listener: Listener, *, lost: threading.Event, why_ended: Callable[[], str | None]
    ) -> None:
        self._offer = offer
        self._listener = listener
        self._lost = lost
        self._why_ended = why_ended
        self._own = sessions.current()
        self._reporter = Reporter(
            offer.build_id,
            self._own.archive,
            tell=listener.job,
            append=partial(listener.append, offer.build_id, offer.attempt),
            lost=lost,
        )
        self._failure: Failure | None = None
        self._running: asyncio.Task[Outcome] | None = None
        self._canceled = False

    def cancel(self) -> None:
        """End it, as canceled, and tell so; on the event loop."""
        self._canceled = True
        if self._running is not None:
            self._running.cancel()

    async def run(self) -> Outcome | None:
        """How it ended; None: it is not this kernel's any more. Whoever wants it to end calls `cancel`."""
        own, build_id = self._own, self._offer.build_id
        there = await portal.in_thread(self._started)
        if there is None:
            return None
        here = {stream: whole(own.archive, build_id, stream) for stream in (WORKER, JOURNAL)}
        self._reporter.begin({stream: (size, there[stream]) for stream, size in here.items()})
        sink = ArchiveSink(own.archive, build_id, now_ms=now_ms, news=self._news, cap=own.log_cap)
        tape = self._tape = Tape(Scribe(Plan(redactor=own.redactor), sink))
        with sessions.acting(self._session(tape)):
            outcome = await self._ended(tape)
        return outcome if await portal.in_thread(partial(self._told, outcome, tape, sink)) else None

    def _started(self) -> Mapping[str, int] | None:
        """The server has noted that its first line runs now; where the streams go on there. None: it is not ours any more."""
        answer: dict[str, int] = {}
        notebook = self._notebook()

        def ask() -> None:
            answer.update(self._listener.started(self._offer.build_id, self._offer.attempt, notebook))

        return answer if self._reporter.insist(ask) else None

    async def _ended(self, tape: Tape) -> Outcome:
        """The handlers, in a task of their own, which alone can be canceled."""
        self._running = asyncio.create_task(self._handlers(tape))
        if self._canceled:
            self._running.cancel()
        await asyncio.wait({self._running})
        if self._running.cancelled():  # before it began
            return self._canceled_outcome()
        outcome = self._running.result()
        return outcome if self._why_ended() is None else CANCELED  # one that ended well in spite of it was told to end

    def _told(self, outcome: Outcome, tape: Tape, sink: ArchiveSink) -> bool:
        """Everything that was seen, then how it ended; False: nobody wants to know."""
        tape.close()
        if outcome.state is not State.SUCCEEDED:
            said = f"{outcome.state}: {outcome.reason}: {outcome.message}"
            sink.lines("system", said.splitlines()[0], partial=False)  # so that `build logs` alone tells how it ended
        sink.close()
        self._reporter.close()
        return self._reporter.insist(
            partial(self._listener.finished, self._offer.build_id, self._offer.attempt, outcome)
        )

    def _canceled_outcome(self) -> Outcome:
        return _INTERRUPTED if self._why_ended() is None else CANCELED

    def _session(self, tape: Tape) -> Session:
        """The author's words act in the build, with what this kernel has."""
        offer, own = self._offer, self._own
        return own.of_build(
            build_id=offer.build_id,
            build_ms=offer.created_ms,
            attempt=offer.attempt,
            project_name=offer.event.project,
            told=self._reporter.job,
            progressed=self._grown,
            emit=self._emit,
            view=TapedView(own.view, tape),
        )

    def _grown(self, job_id: str, size: int) -> None:
        self._own.progressed(job_id, size)
        self._reporter.grown(job_id)

    async def _emit(self, event_type: str, payload: str) -> Any:
        offer = self._offer
        emit = partial(self._listener.emit, offer.build_id, offer.attempt, event_type, payload)
        return await portal.in_thread(emit)

    def _news(self) -> None:
        self._reporter.grown(WORKER)
        self._reporter.grown(JOURNAL)

    def _notebook(self) -> dict[str, Any]:
        """What the record begins with: that a notebook handled it, and the handlers as they were."""
        handlers = registry.events.matching(self._offer.event)
        told = ["Handled in a notebook's kernel by `listen`, not by a worker. Its handlers, as they were:"]
        told += [_fenced(_source_of(handler)) for handler in handlers]
        text = clean_text(self._own.redactor("\n\n".join(told)))
        cell = {"cell_type": "markdown", "id": "handled", "metadata": {}, "source": text}
        about = {"language_info": {"name": "python"}, "brignb": {"build": self._offer.build_id}}
        return {"cells": [cell], "metadata": about, "nbformat": 4, "nbformat_minor": 5}

    # what runs

    async def _handlers(self, tape: Tape) -> Outcome:
        began = time.monotonic()
        tape.put("start", at=now_ms(), tier="notebook", parameters={}, injected=None)
        following = Following(
            self._offer.event,
            bound.project,
            matching=registry.events.matching,
            call=calling.run_handler,
            leftovers=lambda: None,
        )
        try:
            while (cell := following(self._failure)) is not None:
                tape.cell += 1
                await self._cell(cell)
            outcome = self._outcome(handled=following.handled)
        except (KeyboardInterrupt, asyncio.CancelledError):
            outcome = self._canceled_outcome()
        word = {"state": str(outcome.state), "reason": outcome.reason, "message": outcome.message}
        tape.put("finish", at=now_ms(), seconds=time.monotonic() - began, **word)
        return outcome

    def _outcome(self, *, handled: int) -> Outcome:
        if (failure := self._failure) is None:
            return Outcome(state=State.SUCCEEDED, reason=None if handled else "no_handler")
        message = clean_text(self._own.redactor(message_of(failure)))[:MESSAGE_MAX]
        return Outcome(state=State.FAILED, reason=failure.reason, message=message)

    async def _cell(self, cell: EventCell) -> None:
        with self._shown(cell) as ended:
            try:
                await portal.in_thread(
                    self._settled
                )  # a handler that kills its kernel was running: the server knows before it can
                with self._tape.recording():
                    result = cell.call()
                    if inspect.isawaitable(result):
                        await result
            except (KeyboardInterrupt, asyncio.CancelledError):
                ended("killed")
                raise
            except (Exception, SystemExit) as error:  # noqa: BLE001 - user code's, whatever it is
                ended("failed")
                self._failed(error, cell)

    def _settled(self) -> None:
        self._tape.settle()
        self._reporter.settle()

    @contextlib.contextmanager
    def _shown(self, cell: EventCell) -> Iterator[Callable[[str], None]]:
        """A cell of the record; what it is told is how it ended."""
        status = ["completed"]
        began = time.monotonic()
        self._tape.put("begin", at=now_ms(), count=None, source=cell.source, tags=list(cell.tags))
        try:
            yield status.append
        finally:
            self._tape.put("end", at=now_ms(), seconds=time.monotonic() - began, status=status[-1])

    def _failed(self, error: BaseException, cell: EventCell) -> None:
        """Shown here, so that `%debug` finds it, and kept for the record."""
        error.__traceback__ = users_frames(error.__traceback__)
        facts = {
            "output_type": "error",
            "ename": clean_text(type(error).__name__),
            "evalue": clean_text(error_text(error)),
            "traceback": [clean_text(line.rstrip("\n")) for line in traceback.format_exception(error)],
        }
        self._tape.put("output", output=facts, id=None)
        if self._failure is None:
            self._failure = Failure(error, self._tape.cell, reason_of(error, cell.reason), cell.source)
        _show(error)


def _show(error: BaseException) -> None:
    """As the kernel shows what a cell raised; `%debug` begins where it was raised."""
    shell = None
    if "IPython" in sys.modules:
        from IPython import get_ipython  # noqa: PLC0415 - a plain script has none

        shell = get_ipython()
    if shell is None:
        traceback.print_exception(error)
    else:
        shell.showtraceback((type(error), error, error.__traceback__), tb_offset=0)


def _fenced(source: str) -> str:
    """As code in Markdown, also when there are fences in it, in a docstring say."""
    longest = max(map(len, re.findall("`+", source)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}python\n{source}\n{fence}"


def _source_of(handler: Handler) -> str:
    try:
        return inspect.getsource(inspect.unwrap(handler.function)).rstrip()
    except (OSError, TypeError):  # made by `exec`, or no function of Python's
        return f"{handler.where}"
