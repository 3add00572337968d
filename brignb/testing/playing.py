"""A notebook under test: its exported cells, run once; its `tests` cells and their functions, each when pytest comes to it."""

from __future__ import annotations

import ast
import contextlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from brignb.errors import BrignbError
from brignb.script.project import project
from brignb.testing.book import Book, BookCell
from brignb.testing.executor import FakeExecutor
from brignb.testing.firing import acting_on, run
from brignb.testing.payloads import event


class Played:
    """See the module.

    Args:
        path: The notebook's.
    """

    def __init__(self, path: Path) -> None:
        self.book = Book(path, prepare=_telling)
        self._begun = False
        self._failed: BaseException | None = None
        self._tried: set[int] = set()

    def cell(self, cell: BookCell) -> None:
        """Run a `tests` cell.

        Raises:
            Exception: What it raised, or what the notebook's own cells had raised.
        """
        with self._open():
            self._above(cell.number)
            self._tried.add(cell.number)
            run(self.book.run_cell(cell))

    def function(self, cell: BookCell, name: str, given: Mapping[str, Any]) -> None:
        """Call a test function of a `tests` cell, with its fixtures.

        Raises:
            Exception: What it raised, or what the cells before it had raised.
        """
        with self._open():
            self._above(cell.number + 1)
            if name not in self.book.names:
                raise BrignbError(f"the cell failed before it came to {name}", where=cell.filename)
            run(_called(self.book.names[name], given))

    def _above(self, number: int) -> None:
        """Cells that were not tried yet, since only one below them was chosen. One that failed has told so as a test of its own."""
        for cell in self.book.tests:
            if cell.number < number and cell.number not in self._tried:
                self._tried.add(cell.number)
                run(self.book.run_cell(cell))

    @contextlib.contextmanager
    def _open(self) -> Iterator[None]:
        told = event("exec")
        with self.book.open(), acting_on(told, FakeExecutor(), {}, []):
            if not self._begun:
                self._begun = True
                try:
                    run(self.book.run(told, project, {}))
                except Exception as error:
                    self._failed = error
                    raise
            elif self._failed is not None:
                raise BrignbError(
                    f"the notebook's own cells failed before: {self._failed}", where=str(self.book.path)
                ) from self._failed
            yield


async def _called(function: Callable[..., Any], given: Mapping[str, Any]) -> None:
    result = function(**given)
    if inspect.isawaitable(result):
        await result


def _telling(tree: ast.Module, source: str) -> None:
    """Asserts tell what was compared, as in pytest's own modules."""
    from _pytest.assertion.rewrite import rewrite_asserts  # noqa: PLC0415 - as ipytest does; pytest has no public name for it

    rewrite_asserts(tree, source.encode())
