"""The Engine seam: a notebook and a plan go in, an outcome comes out; everything that was seen goes to a sink, as it is seen.

    notebook + Plan ──▶ engine.run ──▶ Outcome
                             │
                             └──▶ Sink: journal entries (folded into the record), lines (the worker's log)

The journal is the truth: `brignb.engine.journal.fold` makes the record of the worker notebook and the journal, the same way while the
worker lives and after it was killed. Entries are JSON objects, redacted before they get here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from brignb.model.builds import Outcome
from brignb.model.redaction import Redactor


class Sink(Protocol):
    """Where the engine tells what it sees. Both methods may be called from any thread, one at a time."""

    def entry(self, entry: Mapping[str, Any]) -> None:
        """One journal entry; on its way to the disk when this returns."""

    def lines(self, stream: str, text: str, *, partial: bool) -> None:
        """What user code wrote to `stdout` or `stderr`, for the worker's log.

        Args:
            stream: Where.
            text: A line, or several that were seen at one time, with newlines between them.
            partial: Whether it is a part of one line, which goes on.
        """


@dataclass(frozen=True, slots=True)
class Failure:
    """What failed: an exception of user code, already rendered.

    Args:
        error: The exception.
        cell: Index of its cell in the record, from 0.
        reason: `cell_error`, `handler_error`, `job_failed`, …: the build's reason if nothing follows.
        call: The source of a cell that is a call, such as `push(event)`; empty for the notebook's own.
    """

    error: BaseException
    cell: int
    reason: str
    call: str = ""


@dataclass(frozen=True, slots=True)
class EventCell:
    """A cell that is run after the notebook's own: a matching handler, tagged `event` in the record.

    Args:
        source: What the record shows as its source, such as `push(event, project)`.
        call: Is called in the shell's context; an awaitable result is awaited on the shell's event loop.
        tags: Of the record's cell.
        reason: Of the build, when it fails.
    """

    source: str
    call: Callable[[], Awaitable[Any] | Any]
    tags: tuple[str, ...] = ("event",)
    reason: str = "handler_error"


def _nothing(_failure: Failure | None) -> EventCell | None:
    return None


def _no_wait() -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do with a notebook.

    Args:
        names: Bound before the first cell, such as `event` and `project`.
        parameters: By name, already checked and of their declared types; bound after the `parameters` cell, shown in an
            `injected-parameters` cell that is not executed.
        following: Asked for the next cell after the notebook's own, with the failure so far (None: all well), until it
            answers None. A cell that fails sets the failure; `after` and `error` handlers come this way too.
        first_cell: Is called right before the first user cell starts, and may block: its durable note.
        redactor: Knows the secret values.
        cell_bytes: Cap on a cell's output in the record; the rest goes to `spill`.
        cell_displays: Cap on a cell's displays.
        run_bytes: Cap on the outputs of all cells together.
        spill: Takes text that was cut (cell index, text) and answers the file's name for the mark.
        why: Why the run is in this engine's tier; into the record.
    """

    names: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    following: Callable[[Failure | None], EventCell | None] = _nothing
    first_cell: Callable[[], None] = _no_wait
    redactor: Redactor = field(default_factory=Redactor)
    cell_bytes: int = 4 * 1024 * 1024
    cell_displays: int = 1000
    run_bytes: int = 64 * 1024 * 1024
    spill: Callable[[int, str], str] | None = None
    why: str = ""


class Engine(Protocol):
    """See the module."""

    tier: str

    def run(self, notebook: dict[str, Any], plan: Plan, sink: Sink) -> Outcome:
        """Execute, in this process or another. User code's failure is an outcome, not an exception.

        A `SystemExit` of user code is a failure of its cell; `KeyboardInterrupt` (a cancel) ends the run as canceled.
        """
