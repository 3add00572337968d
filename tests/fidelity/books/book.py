"""What a book is: behaviours that run in one notebook, one after the other, so that a kernel's start is paid once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Cell = dict[str, Any]


def code(source: str, *tags: str, **metadata: Any) -> Cell:
    """A code cell. Its failure ends the book, unless it is tagged `raises-exception`."""
    return {
        "cell_type": "code",
        "source": source,
        "metadata": {"tags": list(tags), **metadata},
        "outputs": [],
        "execution_count": None,
    }


def fails(source: str) -> Cell:
    """A cell that is expected to raise."""
    return code(source, "raises-exception")


@dataclass(frozen=True)
class Behaviour:
    """Cells that show one thing.

    Args:
        cells: Sources, or whole cells.
        racing: Why it is by chance where, and whether, stock papermill has these lines: each character that it has must be in ours.
            Empty: they are in order.
    """

    cells: tuple[Cell, ...]
    racing: str = ""


_SETTLE = "\n__import__('time').sleep(0.1)"
"""ipykernel reads its pipes on a thread of its own, which nobody waits for: the next cell would get what is late."""


def shows(*cells: str | Cell, racing: str = "") -> Behaviour:
    """A behaviour."""
    made = [code(cell) if isinstance(cell, str) else cell for cell in cells]
    if racing:
        made[-1] = {**made[-1], "source": made[-1]["source"] + _SETTLE}
    return Behaviour(tuple(made), racing)


@dataclass(frozen=True)
class Book:
    """Behaviours in order, by name.

    Args:
        behaviours: By name; what ends the run comes last.
        parameters: As papermill's user gives them.
        metadata: Of the notebook.
        files: Beside the notebook, by name.
        fast: Whether the fast suite runs it.
        alone: Whether nothing else may run beside it.
    """

    behaviours: dict[str, Behaviour]
    parameters: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    minor: int = 5
    fast: bool = False
    alone: bool = False

    def notebook(self) -> dict[str, Any]:
        """The whole of it; each cell's id tells its behaviour."""
        cells = [
            {**cell, "id": f"b{at}-c{number}"} if self.minor >= 5 else dict(cell)
            for at, behaviour in enumerate(self.behaviours.values())
            for number, cell in enumerate(behaviour.cells)
        ]
        kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        metadata = {"kernelspec": kernelspec, **self.metadata}
        return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": self.minor}

    def owners(self) -> list[str]:
        """For each cell, its behaviour."""
        return [name for name, behaviour in self.behaviours.items() for _ in behaviour.cells]
