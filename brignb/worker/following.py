"""Which cells come after the notebook's own: what it left running, the matching handlers, then `after` or `error`.

    cells ──▶ leftovers ──▶ handler, handler, … ──▶ after        (all went well, and something answered the event)
      └────────────┴───────────────┴──────────────▶ error        (something failed; v1: once, with the reason)

`after` and `error` are Brigade v1's: raised by the worker, answered in the same notebook, with the event they are about as their
cause. `after` fires when the build goes well, `error` when a failure was not handled.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

from brignb.engine.seam import EventCell, Failure
from brignb.model.events import Event
from brignb.script import causes
from brignb.script.handlers import Handler
from brignb.script.project import BoundProject
from brignb.script.scope import Scope

Call = Callable[[Handler, Event, BoundProject], Awaitable[Any]]


class Following:
    """Answers `Plan.following`.

    Args:
        event: What the build is for.
        project: The bound project.
        matching: The handlers that answer an event, in the order in which they were registered, read after the cells ran.
        call: Runs a handler in a scope of its own.
        leftovers: A cell that settles what the notebook's cells left running; None when there is nothing.
    """

    def __init__(
        self,
        event: Event,
        project: BoundProject,
        *,
        matching: Callable[[Event], Sequence[Handler]],
        call: Call,
        leftovers: Callable[[], EventCell | None],
    ) -> None:
        self._event = event
        self._project = project
        self._matching = matching
        self._call = call
        self._leftovers = leftovers
        self._cells = self._well()
        self._failing = False
        self.failure: Failure | None = None
        self.handled = 0

    def __call__(self, failure: Failure | None) -> EventCell | None:
        """The next cell; a first failure turns the rest into `error`'s."""
        if failure is not None and not self._failing:
            self._failing = True
            self.failure = failure
            self._cells = self._badly(failure)
        return next(self._cells, None)

    def _well(self) -> Iterator[EventCell]:
        if cell := self._leftovers():
            yield cell
        for handler in self._matching(self._event):
            self.handled += 1
            yield self._cell(handler, self._event)
        if self.handled:
            yield from self._about(causes.after(self._event))

    def _badly(self, failure: Failure) -> Iterator[EventCell]:
        yield from self._about(causes.error(self._event, failure.error))

    def _about(self, event: Event) -> Iterator[EventCell]:
        for handler in self._matching(event):
            yield self._cell(handler, event)

    def _cell(self, handler: Handler, event: Event) -> EventCell:
        shown = ", ".join(handler.wants)
        comment = f"  # {event.type}" if event is self._event else f"  # {event.type}, after {self._event.type}"
        return EventCell(f"{handler.name}({shown}){comment}", lambda: self._call(handler, event, self._project))


def leftovers(scope: Scope) -> EventCell | None:
    """The cell that settles what the notebook's own cells left running; None when there is nothing."""
    if not scope.unsettled:
        return None
    return EventCell("# jobs that the cells above left running", scope.settle, tags=("brignb",), reason="job_failed")
