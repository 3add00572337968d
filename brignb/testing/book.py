"""A notebook, run cell by cell in this process, so that a test, a debugger and a coverage tool can see into it.

    path ──▶ Book ──▶ its exported cells, one after the other ──▶ names, handlers
                 └──▶ its cells tagged `tests`, each when it is asked for

Cells are compiled under names such as `brignb.ipynb, cell 3`, so that a traceback leads to the cell and its line. IPython is loaded
only for a notebook that speaks its language. What a cell registers goes into handlers of the book's own.
"""

from __future__ import annotations

import ast
import inspect
import linecache
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from brignb.engine.language import PYTHON, language_of
from brignb.engine.syntax import plain, transformed
from brignb.errors import NotebookError, NotFound
from brignb.export.checking import TESTS, is_scratch
from brignb.export.problems import Problems
from brignb.export.reading import PARAMETERS, cells_of, declarations, load
from brignb.model.events import Event
from brignb.model.parameters import resolve
from brignb.script.handlers import Handler
from brignb.script.registry import events

_AWAIT: Final = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT


@dataclass(frozen=True, slots=True)
class BookCell:
    """A code cell.

    Args:
        number: As people count, from 1, all cells counted.
        source: Its text.
        tags: Its tags.
        filename: What tracebacks call it.
    """

    number: int
    source: str
    tags: tuple[str, ...]
    filename: str


class Book:
    """See the module.

    Args:
        path: The notebook's.
        prepare: Is given the tree and the text of each `tests` cell before it runs, and may change the tree: pytest's asserts say more.

    Raises:
        NotFound: It cannot be read.
        NotebookError: It is no notebook, or not in Python.
    """

    def __init__(self, path: Path, *, prepare: Callable[[ast.Module, str], None] | None = None) -> None:
        self.path = path
        self._prepare = prepare
        problems = Problems(str(path))
        try:
            document = load(path.read_bytes(), problems)
        except OSError as error:
            raise NotFound(f"cannot be read: {error.strerror}", where=str(path)) from error
        if (language := language_of(document)) != PYTHON:
            raise NotebookError(f"its language is {language}; only Python can be tested here", where=str(path))
        self.cells: list[BookCell] = []
        self.tests: list[BookCell] = []
        for number, cell in enumerate(cells_of(document, problems), 1):
            if cell["cell_type"] != "code":
                continue
            tags = tuple(cell["metadata"].get("tags", ()))
            made = BookCell(number, cell["source"], tags, f"{path}, cell {number}")
            if TESTS in tags:
                self.tests.append(made)
            elif not is_scratch(cell):
                self.cells.append(made)
        self.handlers: list[Handler] = []
        self.names: dict[str, Any] = {"__name__": "__main__"}

    def open(self) -> AbstractContextManager[None]:
        """Within, `events` is the book's own."""
        return events.apart(self.handlers)

    async def run(self, event: Event, project: object, given: Mapping[str, str]) -> None:
        """Run its exported cells, as a build does: `event` and `project` bound, parameters filled.

        Args:
            event: What it is for.
            project: The bound project.
            given: Values of parameters, as `-p` takes them.

        Raises:
            Exception: What a cell raised.
        """
        if not all(plain(cell.source) for cell in (*self.cells, *self.tests)):
            from brignb.engine.shell import Shell  # noqa: PLC0415 - IPython, for notebooks that use its language

            self.names = Shell.build().user_ns | self.names
        self.names |= {"event": event, "project": project}
        for cell in self.cells:
            await self.run_cell(cell)
            if PARAMETERS in cell.tags:
                self.names |= resolve(declarations(cell.source, PYTHON).declared, event, given)

    async def run_cell(self, cell: BookCell) -> None:
        """Run one cell.

        Raises:
            Exception: What it raised.
        """
        lines = cell.source.splitlines(keepends=True)
        linecache.cache[cell.filename] = (len(cell.source), None, lines, cell.filename)
        source = cell.source if plain(cell.source) else transformed(cell.source)
        tree = compile(source, cell.filename, "exec", flags=_AWAIT | ast.PyCF_ONLY_AST, dont_inherit=True)
        if self._prepare and cell in self.tests:
            self._prepare(tree, source)
        code = compile(tree, cell.filename, "exec", flags=_AWAIT, dont_inherit=True)
        result = eval(code, self.names)  # noqa: S307 - a notebook's cells are what is tested
        if inspect.isawaitable(result):
            await result
