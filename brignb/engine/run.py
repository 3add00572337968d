"""One run of one notebook: its own cells until one fails, then what the plan has for after them.

Parameters are bound where the `injected-parameters` cell stands; that cell is never executed. What must never happen: a failure of
user code that becomes ours.
"""

from __future__ import annotations

import contextlib
import copy
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from brignb.engine.capture import Capture
from brignb.engine.injection import INJECTED, VERSION, source_of, tags_of
from brignb.engine.interrupts import Interrupts
from brignb.engine.language import LANGUAGE_INFO
from brignb.engine.loop import Body, CellLoop
from brignb.engine.seam import Failure, Plan
from brignb.engine.shell import Shell
from brignb.engine.telling import MESSAGE_MAX, message_of, reason_of
from brignb.engine.widgets import Widgets
from brignb.model.builds import Outcome, State


class Run:
    """See the module.

    Args:
        shell: Prebuilt.
        notebook: With its injected cell.
        plan: What to do with it.
        capture: Takes the entries.
        widgets: Know what a front end would.
        interrupts: Knows of a cancel.
        now_ms: The clock.
    """

    def __init__(
        self,
        shell: Shell,
        notebook: Mapping[str, Any],
        plan: Plan,
        capture: Capture,
        widgets: Widgets,
        interrupts: Interrupts,
        now_ms: Callable[[], int],
    ) -> None:
        self._shell = shell
        self._interrupts = interrupts
        self._cells = notebook["cells"]
        self._version = notebook.get("metadata", {}).get("papermill", {}).get("version", VERSION)
        self._plan = plan
        self._capture = capture
        self._widgets = widgets
        self._now_ms = now_ms
        self._loop = CellLoop(shell)
        self._cell = 0
        self._failure: Failure | None = None
        self._begun = False
        shell.tell = self._tell

    def whole(self, tier: str) -> Outcome:
        """From `start` to `finish`."""
        began = time.monotonic()
        self._capture.put(self._start(tier))
        try:
            self._notebook()
            self._following()
            outcome = self._outcome()
        except KeyboardInterrupt:
            outcome = Outcome(state=State.CANCELED, reason="canceled", message="it was canceled")
        finally:
            self._interrupts.over()
            self._loop.close()
        if (state := self._widgets.entry(self._plan.run_bytes)) is not None:
            self._capture.put(state)
        seconds = time.monotonic() - began
        word = {"state": str(outcome.state), "reason": outcome.reason, "message": outcome.message}
        self._capture.put({"op": "finish", "at": self._now_ms(), "seconds": seconds, **word})
        return outcome

    def _start(self, tier: str) -> dict[str, Any]:
        injected = next((at for at, cell in enumerate(self._cells) if INJECTED in tags_of(cell)), None)
        return {
            "op": "start",
            "at": self._now_ms(),
            "tier": tier,
            "why": self._plan.why,
            "version": self._version,
            "language_info": LANGUAGE_INFO,
            "parameters": dict(self._plan.parameters),
            "injected": None if injected is None else {"index": injected, "source": source_of(self._cells[injected])},
        }

    def _notebook(self) -> None:
        """The notebook's own cells, until one fails."""
        self._shell.user_ns.update(self._plan.names)
        if not any(INJECTED in tags_of(cell) for cell in self._cells):
            self._bind()
        for index, cell in enumerate(self._cells):
            if cell.get("cell_type") != "code":
                continue
            self._own_cell(index, source_of(cell), tags_of(cell), str(cell.get("id", "")))
            if self._failure is not None:
                return

    def _own_cell(self, index: int, source: str, tags: list[str], cell_id: str) -> None:
        if INJECTED in tags:
            self._bind()
        if INJECTED in tags or not source.strip() or "skip-execution" in tags:
            status = "skipped" if "skip-execution" in tags else "completed"
            self._capture.put({"op": "end", "cell": index, "at": self._now_ms(), "seconds": 0.0, "status": status})
            return
        allowed = "raises-exception" in tags
        error = self._run_cell(index, self._loop.source(source, cell_id), {}, allowed=allowed)
        if error is not None and not allowed:
            self._failure = Failure(error, index, reason_of(error, "cell_error"))

    def _bind(self) -> None:
        self._shell.user_ns.update(copy.deepcopy(dict(self._plan.parameters)))

    def _following(self) -> None:
        """Cells that the plan has for after the notebook, with the first failure so far."""
        index = len(self._cells)
        while (cell := self._plan.following(self._failure)) is not None:
            shown = {"source": cell.source, "tags": list(cell.tags)}
            error = self._run_cell(index, self._loop.event(cell), shown, allowed=False)
            if error is not None and self._failure is None:
                self._failure = Failure(error, index, reason_of(error, cell.reason), cell.source)
            index += 1

    def _run_cell(
        self,
        index: int,
        body: Body,
        shown: Mapping[str, Any],
        *,
        allowed: bool,
    ) -> BaseException | None:
        """Run one cell and tell of it; the error of user code.

        Raises:
            KeyboardInterrupt: The run was cancelled.
        """
        with contextlib.closing(body):
            self._note_first_cell()
            count = self._shell.execution_count
            self._cell = index
            self._capture.put({"op": "begin", "cell": index, "at": self._now_ms(), "count": count, **shown})
            self._capture.settle()  # a cell that kills the process was running: the journal knows before it can
            began = time.monotonic()
            error = self._loop.run(body)
            self._widgets.settle()
        canceled = isinstance(error, KeyboardInterrupt) or self._interrupts.asked
        status = "killed" if canceled else "failed" if error is not None and not allowed else "completed"
        seconds = time.monotonic() - began
        self._capture.put({"op": "end", "cell": index, "at": self._now_ms(), "seconds": seconds, "status": status})
        if canceled:
            raise KeyboardInterrupt
        return error

    def _note_first_cell(self) -> None:
        if not self._begun:
            self._begun = True
            self._plan.first_cell()

    def _tell(self, entry: Mapping[str, Any]) -> None:
        """What the shell shows belongs to the cell that runs; a forked child's goes where its text goes."""
        if os.getpid() == self._capture.pid:
            self._capture.put({**entry, "cell": self._cell})
        elif entry["op"] == "output":
            _show_in_child(entry["output"])

    def _outcome(self) -> Outcome:
        failure = self._failure
        if failure is None:
            return Outcome(state=State.SUCCEEDED)
        message = self._plan.redactor(message_of(failure))[:MESSAGE_MAX]
        return Outcome(state=State.FAILED, reason=failure.reason, message=message)


def _show_in_child(output: Mapping[str, Any]) -> None:
    if output["output_type"] != "error":
        sys.stdout.write(f"{output['data'].get('text/plain', '')}\n")
    elif output["ename"] != "SystemExit":
        sys.stderr.write("\n".join([*output["traceback"], ""]))
