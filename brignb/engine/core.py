"""The engine core: a notebook is run in this process, cell by cell, on a prebuilt shell.

    notebook + Plan ──▶ ShellEngine.run ──▶ Outcome
                             └──▶ Capture ──▶ Scribe ──▶ Sink

One event loop in the main thread serves all cells, as in ipykernel: tasks that a cell leaves behind go on while a later one awaits.
Parameters are bound where the `injected-parameters` cell stands; that cell is never executed. What must never happen: a forked
child of user code that goes on with the notebook, a failure of user code that becomes ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import copy
import inspect
import os
import sys
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from brignb.engine.capture import Capture
from brignb.engine.injection import INJECTED, inject, source_of, tags_of
from brignb.engine.interrupts import Interrupts
from brignb.engine.scribe import Scribe
from brignb.engine.seam import EventCell, Failure, Plan, Sink
from brignb.engine.shell import Shell, error_text
from brignb.engine.stage import stage
from brignb.errors import BrignbError, JobError
from brignb.model.builds import Outcome, State

MESSAGE_MAX: Final = 500
_TASKS_END: Final = 1.0
"""Seconds that tasks left behind get to end in, once they were cancelled."""


def wall_ms() -> int:
    """Now, milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class ShellEngine:
    """Implements `brignb.engine.seam.Engine` in this process.

    Args:
        tier: As the record names it.
        shell: Prebuilt; None: built now.
        now_ms: The clock.
    """

    def __init__(self, *, tier: str = "cold", shell: Shell | None = None, now_ms: Callable[[], int] = wall_ms) -> None:
        self.tier = tier
        self._shell = shell or Shell.build()
        self._now_ms = now_ms

    def run(self, notebook: dict[str, Any], plan: Plan, sink: Sink) -> Outcome:
        """See the seam. It may be called once: the shell keeps what the notebook left in it.

        Raises:
            BrignbError: An event loop runs already in this thread.
            Exception: What the sink raised.
        """
        if asyncio._get_running_loop() is not None:  # noqa: SLF001 - get_running_loop raises instead of answering
            raise BrignbError(
                "a notebook cannot be run where an event loop runs already",
                hint="run it in a process of its own: `brignb run` or `papermill --engine brignb`",
            )
        notebook = inject(notebook, plan.parameters)
        with contextlib.ExitStack() as put_back:
            interrupts = put_back.enter_context(Interrupts())
            capture = Capture(Scribe(plan, sink))
            capture.start()
            put_back.callback(capture.stop)
            put_back.enter_context(stage(self._shell, capture.settle))
            return _Run(self._shell, notebook, plan, capture, interrupts, self._now_ms).whole(self.tier)


class _Run:
    """One run of one notebook."""

    def __init__(
        self,
        shell: Shell,
        notebook: Mapping[str, Any],
        plan: Plan,
        capture: Capture,
        interrupts: Interrupts,
        now_ms: Callable[[], int],
    ) -> None:
        self._shell = shell
        self._interrupts = interrupts
        self._cells = notebook["cells"]
        self._version = notebook.get("metadata", {}).get("papermill", {}).get("version")
        self._plan = plan
        self._capture = capture
        self._now_ms = now_ms
        self._loop = asyncio.new_event_loop()
        self._context = contextvars.copy_context()
        self._cell = 0
        self._failure: Failure | None = None
        self._begun = False
        shell.tell = self._tell

    def whole(self, tier: str) -> Outcome:
        """From `start` to `finish`."""
        began = time.monotonic()
        self._capture.put(self._start(tier))
        asyncio.set_event_loop(self._loop)
        try:
            self._notebook()
            self._following()
            outcome = self._outcome()
        except KeyboardInterrupt:
            outcome = Outcome(state=State.CANCELED, reason="canceled", message="it was canceled")
        finally:
            self._interrupts.over()
            self._end_loop()
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
            "version": self._version,
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
            self._capture.put({"op": "end", "cell": index, "at": self._now_ms(), "seconds": None, "status": status})
            return
        allowed = "raises-exception" in tags
        error = self._run_cell(index, self._source(source, cell_id), {}, allowed=allowed)
        if error is not None and not allowed:
            self._failure = Failure(error, index, _reason(error, "cell_error"))

    def _bind(self) -> None:
        self._shell.user_ns.update(copy.deepcopy(dict(self._plan.parameters)))

    def _following(self) -> None:
        """Cells that the plan has for after the notebook, with the first failure so far."""
        index = len(self._cells)
        while (cell := self._plan.following(self._failure)) is not None:
            shown = {"source": cell.source, "tags": list(cell.tags)}
            error = self._run_cell(index, self._event(cell), shown, allowed=False)
            if error is not None and self._failure is None:
                self._failure = Failure(error, index, _reason(error, cell.reason))
            index += 1

    def _run_cell(
        self,
        index: int,
        body: Coroutine[Any, Any, BaseException | None],
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
            self._shell.error_shown, self._shell.ended_by = False, None
            error = self._finished(body)
        canceled = isinstance(error, KeyboardInterrupt) or self._interrupts.asked
        status = "killed" if canceled else "failed" if error is not None and not allowed else "completed"
        seconds = time.monotonic() - began
        self._capture.put({"op": "end", "cell": index, "at": self._now_ms(), "seconds": seconds, "status": status})
        if canceled:
            raise KeyboardInterrupt
        return error

    def _finished(self, body: Coroutine[Any, Any, BaseException | None]) -> BaseException | None:
        """Run a cell's body to its end on the loop; whatever it raised was shown."""
        task = self._loop.create_task(body, context=self._context)
        try:
            error = self._loop.run_until_complete(task)
        except BaseException as raised:  # noqa: BLE001 - an interrupt, or SystemExit of a task that user code left behind
            error = raised
            self._abandon(task, raised)
        if os.getpid() != self._capture.pid:
            _leave_child(error)
        if error is not None and not self._shell.error_shown:
            self._shell.show_error(error)
        return error

    def _abandon(self, task: asyncio.Task[Any], error: BaseException) -> None:
        """End a cell whose loop was left from under it; its `finally` blocks run."""
        self._shell.ended_by = error
        if not task.done():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                self._loop.run_until_complete(task)
        elif not task.cancelled():
            task.exception()  # it is known; asyncio need not say that nobody asked

    async def _source(self, source: str, cell_id: str) -> BaseException | None:
        """A cell of the notebook, as ipykernel runs it."""
        shell, problem, result = self._shell, None, None
        try:
            transformed = shell.transform_cell(source)  # type: ignore[no-untyped-call] # IPython's
        except Exception:  # noqa: BLE001 - shown as the cell's error, by IPython
            transformed, problem = source, sys.exc_info()
        try:
            result = await shell.run_cell_async(
                source,
                store_history=True,
                transformed_cell=transformed,
                preprocessing_exc_tuple=problem,
                cell_id=cell_id,
            )
        finally:
            shell.events.trigger("post_execute")
            shell.events.trigger("post_run_cell", result)
        return result.error_before_exec or result.error_in_exec

    async def _event(self, cell: EventCell) -> BaseException | None:
        """A cell that is a call."""
        shell = self._shell
        shell.events.trigger("pre_execute")
        try:
            with shell.builtin_trap, shell.display_trap:
                result = cell.call()
                if inspect.isawaitable(result):
                    await result
        except BaseException as error:  # noqa: BLE001 - user code's, whatever it is
            shell.show_error(error)
            return error
        finally:
            shell.events.trigger("post_execute")
            shell.execution_count += 1
        return None

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
        first, *_ = error_text(failure.error).splitlines() or [""]
        message = f"cell {failure.cell + 1}: {type(failure.error).__name__}: {first}"
        return Outcome(state=State.FAILED, reason=failure.reason, message=self._plan.redactor(message)[:MESSAGE_MAX])

    def _end_loop(self) -> None:
        """Cancel what user code left on the loop, give it a moment, close."""
        loop = self._loop
        if tasks := asyncio.all_tasks(loop):
            for task in tasks:
                task.cancel()
            loop.run_until_complete(asyncio.wait(tasks, timeout=_TASKS_END))
        loop.run_until_complete(loop.shutdown_asyncgens())
        asyncio.set_event_loop(None)
        loop.close()


def _reason(error: BaseException, otherwise: str) -> str:
    return error.code if isinstance(error, JobError) else otherwise


def _show_in_child(output: Mapping[str, Any]) -> None:
    if output["output_type"] != "error":
        sys.stdout.write(f"{output['data'].get('text/plain', '')}\n")
    elif output["ename"] != "SystemExit":
        sys.stderr.write("\n".join([*output["traceback"], ""]))


def _leave_child(error: BaseException | None) -> None:
    """User code forked, and the child came to the cell's end: it has nothing more to do here."""
    sys.stdout.flush()
    code = error.code if isinstance(error, SystemExit) else error is not None
    os._exit(code if isinstance(code, int) else 1)  # a child must not run our `finally` blocks
