"""Problems of a notebook, gathered, so that an author sees all of them at once."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final

from brignb.errors import NotebookError

SHOWN_MAX: Final = 50
ERROR: Final = "error"
WARNING: Final = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Args:
        message: One sentence.
        cell: As people count, from 1; 0: the notebook as a whole.
        line: In the cell, from 1; 0: the cell as a whole.
        hint: What to do about it.
        severity: `error` for what a build would fail on, `warning` for what an author should know.
        check: One word for programs: which check found it.
    """

    message: str
    cell: int = 0
    line: int = 0
    hint: str = ""
    severity: str = ERROR
    check: str = "notebook"

    @property
    def where(self) -> str:
        """`cell 3, line 2`; empty for the notebook as a whole."""
        return ", ".join(f"{word} {n}" for word, n in (("cell", self.cell), ("line", self.line)) if n)

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text} ({self.hint})" if self.hint else text

    def to_json(self) -> dict[str, Any]:
        """Its fields."""
        return asdict(self)


class Unexportable(NotebookError):
    """A notebook that cannot be exported; `problems` has each reason."""

    def __init__(self, name: str, problems: tuple[Problem, ...]) -> None:
        if len(problems) == 1:
            where = ", ".join(part for part in (name, problems[0].where) if part)
            super().__init__(problems[0].message, where=where, hint=problems[0].hint)
        else:
            shown = [f"  {problem}" for problem in problems[:SHOWN_MAX]]
            if len(problems) > SHOWN_MAX:
                shown.append(f"  and {len(problems) - SHOWN_MAX} more")
            super().__init__("\n".join([f"{len(problems)} problems", *shown]), where=name)
        self.problems = problems


@dataclass(slots=True)
class Problems:
    """A list in the making."""

    name: str
    found: list[Problem] = field(default_factory=list)

    def add(self, message: str, *, cell: int = 0, line: int = 0, hint: str = "") -> None:
        """One more."""
        self.found.append(Problem(message, cell, line, hint))

    def raise_any(self) -> None:
        """Stop here if there are any.

        Raises:
            Unexportable: There are.
        """
        if self.found:
            raise Unexportable(self.name, tuple(self.found))
