"""Cells that work only in the order in which their author happened to run them.

A build runs a notebook's cells from top to bottom, without those tagged `scratch`. So a name must not be used above the cell that
defines it, nor be defined by a scratch cell alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from brignb.export.naming import Names, Use
from brignb.export.plainpython import Parsed
from brignb.export.problems import ERROR, WARNING, Problem

ORDER: Final = "order"
SCRATCH_NAME: Final = "scratch-name"


@dataclass(frozen=True, slots=True)
class Cell:
    """A code cell of Python.

    Args:
        number: As people count.
        kept: Whether a build runs it.
        count: Its `execution_count`.
        parsed: Its tree, its names.
    """

    number: int
    kept: bool
    count: int | None
    parsed: Parsed

    @property
    def names(self) -> Names:
        """Which it binds and uses."""
        return self.parsed.names

    @property
    def binds(self) -> AbstractSet[str]:
        """Names that are there after it."""
        return self.names.binds.keys() | self.parsed.binds


def check_order(cells: Sequence[Cell], handlers: AbstractSet[str]) -> Iterator[Problem]:
    """See the module.

    Args:
        cells: All that are Python.
        handlers: Names of functions that answer events.
    """
    kept = [cell for cell in cells if cell.kept]
    first = _first(kept)
    scratch = _first([cell for cell in cells if not cell.kept])
    anything = any(cell.parsed.opaque for cell in kept)
    known: set[str] = set()
    told: set[tuple[int, str]] = set()
    opaque = False
    for cell in kept:
        opaque = opaque or cell.parsed.opaque
        for use in cell.names.uses:
            if (cell.number, use.name) in told:
                continue
            if use.function is None:
                found = None if opaque or use.name in known else _early(cell, use, first, scratch)
            else:
                found = None if anything or use.name in first else _unexported(cell, use, scratch, handlers)
            if found:
                told.add((cell.number, use.name))
                yield found
        known |= cell.binds


def _first(cells: Sequence[Cell]) -> dict[str, Cell]:
    """Each name's first cell."""
    found: dict[str, Cell] = {}
    for cell in cells:
        for name in cell.binds:
            found.setdefault(name, cell)
    return found


def _early(cell: Cell, use: Use, first: Mapping[str, Cell], scratch: Mapping[str, Cell]) -> Problem | None:
    """A name that is read when the cell runs and is not there then."""
    severity = ERROR if use.sure else WARNING
    definer = first.get(use.name)
    if definer is None:
        return _unexported(cell, use, scratch, frozenset())
    if definer is cell:
        if not use.sure or use.name in cell.parsed.binds:
            return None
        message = f"`{use.name}` is used here and defined only further down, in line {cell.names.binds[use.name]}"
        return Problem(message, cell.number, use.line, "define it above its first use", severity, ORDER)
    ran = definer.count is not None and cell.count is not None and definer.count < cell.count
    seen = f"; it worked because cell {definer.number} was run first: In [{definer.count}]" if ran else ""
    message = f"`{use.name}` is used here and first defined below, in cell {definer.number}{seen}"
    hint = f"move cell {definer.number} above; then `Restart Kernel and Run All Cells` shows what a build would do"
    return Problem(message, cell.number, use.line, hint, severity, ORDER)


def _unexported(cell: Cell, use: Use, scratch: Mapping[str, Cell], handlers: AbstractSet[str]) -> Problem | None:
    """A name that no cell of a build defines; a scratch cell may."""
    definer = scratch.get(use.name)
    if definer is None:
        return None
    in_handler = use.function in handlers
    sure = use.sure and (use.function is None or in_handler)
    where = f"in the handler {use.function}" if in_handler else f"in {use.function}()" if use.function else "here"
    message = f"`{use.name}` is used {where}, but only cell {definer.number} defines it, which no build runs"
    hint = f"define it in a cell that is exported, or take the tag off cell {definer.number}"
    return Problem(message, cell.number, use.line, hint, ERROR if sure else WARNING, SCRATCH_NAME)
