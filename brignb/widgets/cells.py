"""Which cell asks for a display, and displays that land under it.

A cell is known by its context: whatever runs in it, or was begun by it as a task, has its context variables, and ipykernel sends what
is displayed there to where they say. A bare thread and a widget's callback have none; they are taken for the cell whose code they run.
"""

from __future__ import annotations

import contextvars
import sys
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from IPython.core.interactiveshell import InteractiveShell

CELLS_MAX: Final = 1000
"""Cells that are remembered."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One execution of a cell.

    Args:
        key: Tells it from other executions.
        context: As it was when the cell began; None: the display may as well happen where it is asked for.
    """

    key: str
    context: contextvars.Context | None = None

    def run(self, function: Callable[[], object]) -> None:
        """Call it so that what it displays lands under this cell."""
        if self.context is None:
            function()
        else:
            self.context.copy().run(function)


class RecordCells:
    """Of a build: cells run one after the other, and its engine knows where displays belong."""

    def here(self) -> Cell:
        """The cell that runs."""
        return Cell(str(InteractiveShell.instance().execution_count))


class KernelCells:
    """Of a kernel that somebody works with.

    Args:
        shell: ipykernel's.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._current: contextvars.ContextVar[Cell | None] = contextvars.ContextVar("brignb_cell", default=None)
        self._by_file: OrderedDict[str, Cell] = OrderedDict()
        self._last = Cell("")
        source = shell.history_manager.input_hist_raw[-1]
        self._enter(source)  # the cell that runs now: its beginning was missed
        shell.events.register("pre_run_cell", lambda info: self._enter(info.raw_cell))

    def here(self) -> Cell:
        """The cell that asks."""
        current = self._current.get()
        parent = self._shell.display_pub.parent_header
        if current is not None and current.key == parent.get("msg_id"):
            return Cell(current.key)
        return self._by_code() or current or self._last

    def _enter(self, source: str) -> None:
        """A cell begins."""
        parent = self._shell.display_pub.parent_header
        if parent.get("msg_type") != "execute_request":
            return
        cell = self._last = Cell(str(parent["msg_id"]), contextvars.copy_context())
        self._current.set(cell)
        self._by_file[self._shell.compile.get_code_name(source, source, self._shell.execution_count)] = cell
        while len(self._by_file) > CELLS_MAX:
            self._by_file.popitem(last=False)

    def _by_code(self) -> Cell | None:
        """The cell whose code has led here."""
        frame = sys._getframe()  # noqa: SLF001 - the documented way to one's callers
        while frame.f_back is not None:
            frame = frame.f_back
            if (cell := self._by_file.get(frame.f_code.co_filename)) is not None:
                return cell
        return None
