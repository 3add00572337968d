"""One build, from its assignment to its record.

    Assignment + secrets ──▶ work ──▶ Outcome
                              ├──▶ archive: worker's log, journal, jobs' logs, record
                              └──▶ host: first_cell, job, news, emit

What must never happen: a user cell before the host has durably noted it; a secret in anything that leaves this process.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from brignb.archive.seam import JOURNAL, RECORD, WORKER_NOTEBOOK, Archive
from brignb.engine.journal import decode, fold
from brignb.engine.seam import Plan, Sink
from brignb.errors import BrignbError, JobError, ParameterError
from brignb.export import declared_parameters, listed_types
from brignb.model.assignment import Assignment
from brignb.model.builds import JobRecord, Outcome, State
from brignb.model.events import Event
from brignb.model.parameters import resolve
from brignb.script import calling, portal, registry
from brignb.script import project as bound
from brignb.script.scope import Scope
from brignb.script.session import Session, enter
from brignb.worker.following import Following, leftovers

Execute = Callable[[dict[str, Any], Plan, Sink], Outcome]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What `brignb.wiring` puts into a worker.

    Args:
        archive: The build's.
        session: Of the author's words, without `told` and `emit`; None: they act in the notebook's kernel.
        sink: The engine's.
        execute: The engine.
        first_cell: Returns when the host has durably noted it.
        emit: Raises an event (type, payload); returns when it is durable.
        told: Tells the host of a job.
        why_canceled: The reason of the host's `cancel`, if there was one.
        plan: With what is the same for every build (caps, redactor, spill).
    """

    archive: Archive
    session: Session | None
    sink: Sink
    execute: Execute
    first_cell: Callable[[], None]
    emit: Callable[[str, str], Awaitable[Any]]
    told: Callable[[JobRecord], None]
    why_canceled: Callable[[], str | None]
    plan: Plan


def work(assignment: Assignment, parts: Parts) -> Outcome:
    """Execute the worker notebook, fire its handlers, write the record."""
    raw = assignment.notebook or parts.archive.get(assignment.build_id, WORKER_NOTEBOOK)
    if raw is None:
        return Outcome(
            state=State.FAILED, reason="notebook_missing", message="the worker notebook is not in the archive"
        )
    notebook: dict[str, Any] = json.loads(raw)
    if assignment.why:
        parts.sink.lines("system", f"tier {assignment.tier}: {assignment.why}", partial=False)
    outcome = _run(assignment, parts, notebook)
    if outcome.state is not State.SUCCEEDED:
        said = f"{outcome.state}: {outcome.reason}: {outcome.message}"
        parts.sink.lines("system", said.splitlines()[0], partial=False)  # so that `build logs` alone tells how it ended
    entries = decode(parts.archive.read(assignment.build_id, JOURNAL))
    about = {"debug": assignment.debug} if assignment.debug else {}
    record = fold(notebook, entries, ended=outcome, about=about)
    parts.archive.put(assignment.build_id, RECORD, json.dumps(record, indent=1, ensure_ascii=False).encode())
    return outcome


def _run(assignment: Assignment, parts: Parts, notebook: dict[str, Any]) -> Outcome:
    event = assignment.event
    types = listed_types(notebook)
    if types is not None and not any(event.matches(pattern) for pattern in types):
        return Outcome(state=State.SUCCEEDED, reason="no_handler")
    try:
        parameters = resolve(declared_parameters(notebook), event, assignment.parameters)
    except ParameterError as error:
        return Outcome(state=State.FAILED, reason="parameter", message=parts.plan.redactor(str(error)))
    plan = replace(
        parts.plan,
        parameters=parameters,
        first_cell=parts.first_cell,
        why=assignment.why,
    )
    if parts.session is None:
        return _ended(parts.execute(notebook, plan, parts.sink), parts)
    return _run_here(notebook, event, replace(parts, plan=plan), parts.session)


def _run_here(notebook: dict[str, Any], event: Event, parts: Parts, session: Session) -> Outcome:
    """The author's words act in this process."""
    enter(replace(session, told=parts.told, emit=parts.emit))
    project = bound.project
    scope = Scope()
    following = Following(
        event,
        project,
        matching=registry.events.matching,
        call=calling.run_handler,
        leftovers=lambda: leftovers(scope),
    )
    plan = replace(parts.plan, names={"event": event, "project": project}, following=following)
    with scope.entered():
        outcome = parts.execute(notebook, plan, parts.sink)
    if portal.running():  # else nothing was ever started
        portal.submit(scope.abandon()).result()
        portal.submit(session.executor.close()).result()
    return _judged(outcome, following, parts)


def _judged(outcome: Outcome, following: Following, parts: Parts) -> Outcome:
    """The engine's outcome with what only the worker knows: which failure was a job's, whether anyone answered."""
    failure = following.failure
    if outcome.state is State.FAILED and failure is not None and isinstance(failure.error, JobError):
        outcome = replace(outcome, reason="job_failed")
    if outcome.state is State.SUCCEEDED and not following.handled and len(registry.events):
        outcome = replace(outcome, reason="no_handler")
    return _ended(outcome, parts)


def _ended(outcome: Outcome, parts: Parts) -> Outcome:
    """The outcome, unless somebody ended the build."""
    why = parts.why_canceled()
    if why == "timeout":
        return Outcome(state=State.TIMED_OUT, reason="timeout", message="the build's time was up")
    if why is not None:
        return Outcome(state=State.CANCELED, reason=why, message="the build was canceled")
    return outcome


def emitter(ask: Callable[[dict[str, Any]], Any]) -> Callable[[str, str], Awaitable[Any]]:
    """`events.emit` over the control socket: the host stores the event, then answers."""

    async def emit(event_type: str, payload: str) -> Any:
        answer = await asyncio.wrap_future(ask({"op": "emit", "type": event_type, "payload": payload}))
        if "event" not in answer:
            raise BrignbError("the host did not store the event", where="events.emit")
        return answer

    return emit
