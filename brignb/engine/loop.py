"""The cell loop: one event loop in the main thread, on which every cell's body runs to its end.

As in ipykernel: tasks that a cell leaves behind go on while a later one awaits, and context variables last. What a body raised is
shown before it is returned. What must never happen: a forked child of user code that goes on with the notebook.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import os
import sys
from collections.abc import Coroutine
from typing import Any, Final

from brignb.engine.seam import EventCell
from brignb.engine.shell import Shell

Body = Coroutine[Any, Any, BaseException | None]
"""Answers the error of user code, None when all went well."""
_TASKS_END: Final = 1.0
"""Seconds that tasks left behind get to end in, once they were cancelled."""


class CellLoop:
    """See the module.

    Args:
        shell: Whose namespace the bodies run in.
    """

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._pid = os.getpid()
        self._loop = asyncio.new_event_loop()
        self._context = contextvars.copy_context()
        asyncio.set_event_loop(self._loop)

    def run(self, body: Body) -> BaseException | None:
        """Run a cell's body to its end; whatever it raised was shown."""
        self._shell.error_shown, self._shell.ended_by = False, None
        task = self._loop.create_task(body, context=self._context)
        try:
            error = self._loop.run_until_complete(task)
        except BaseException as raised:  # noqa: BLE001 - an interrupt, or SystemExit of a task that user code left behind
            error = raised
            self._abandon(task, raised)
        if os.getpid() != self._pid:
            _leave_child(error)
        if error is not None and not self._shell.error_shown and not isinstance(error, self._shell.custom_exceptions):
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

    async def source(self, source: str, cell_id: str) -> BaseException | None:
        """A cell of the notebook, as ipykernel runs it."""
        shell, problem, result = self._shell, None, None
        try:
            transformed = shell.transform_cell(source)
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

    async def event(self, cell: EventCell) -> BaseException | None:
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

    def close(self) -> None:
        """Cancel what user code left on the loop, give it a moment, close."""
        loop = self._loop
        if tasks := asyncio.all_tasks(loop):
            for task in tasks:
                task.cancel()
            loop.run_until_complete(asyncio.wait(tasks, timeout=_TASKS_END))
        loop.run_until_complete(loop.shutdown_asyncgens())
        asyncio.set_event_loop(None)
        loop.close()


def _leave_child(error: BaseException | None) -> None:
    """User code forked, and the child came to the cell's end: it has nothing more to do here."""
    sys.stdout.flush()
    code = error.code if isinstance(error, SystemExit) else error is not None
    os._exit(code if isinstance(code, int) else 1)  # a child must not run our `finally` blocks
