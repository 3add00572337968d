"""`%brig help`: all commands, or one with its words; text for terminals, a table for notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from brignb.errors import BadInput
from brignb.magics.commands import COMMANDS, command
from brignb.magics.jobcell import NAME as JOB
from brignb.magics.jobcell import WORDS as JOB_WORDS
from brignb.magics.words import Word, nearest, usage
from brignb.script.markup import code, escaped, quiet, table

SCRATCH: Final = "%%scratch"
_CELLS: Final = {
    JOB: ("run the cell's body as a job", f"{JOB} build python:3.12-slim --env TAG", JOB_WORDS, "job"),
    SCRATCH: ("run the cell, but never export it", SCRATCH, (), ""),
}
_MORE: Final = "%brig help NAME tells more of one; `{name}` in a line is filled from the notebook's variables"


@dataclass(frozen=True, slots=True)
class Help:
    """Something to read.

    Args:
        head: Lines before the table.
        rows: What it is, and what it is for.
        tail: Lines after it.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, str], ...]
    tail: tuple[str, ...]

    def __repr__(self) -> str:
        width = max((len(name) for name, _ in self.rows), default=0)
        rows = [f"  {name:<{width}}  {what}" for name, what in self.rows]
        return "\n".join([*self.head, *rows, *self.tail])

    def _repr_mimebundle_(self, **_asked: Any) -> dict[str, str]:
        head = "".join(f"<div>{code(line)}</div>" for line in self.head)
        rows = table(("", ""), [(code(name), escaped(what)) for name, what in self.rows]) if self.rows else ""
        tail = "".join(f"<div>{quiet(line)}</div>" for line in self.tail)
        return {"text/plain": repr(self), "text/html": f"{head}{rows}{tail}"}


def help_for(name: str | None) -> Help:
    """All commands, or one.

    Raises:
        BadInput: There is none of that name.
    """
    if name is None:
        lines = [(f"%brig {each.name}", each.summary) for each in COMMANDS.values()]
        cells = [(cell, facts[0]) for cell, facts in _CELLS.items()]
        return Help((), (*lines, *cells), (_MORE,))
    plain = name.lstrip("%")
    for cell, (summary, example, words, twin) in _CELLS.items():
        if cell.lstrip("%") == plain:
            return _one(usage(cell, words), summary, words, example, twin)
    if plain not in COMMANDS:
        known = [*COMMANDS, *(cell.lstrip("%") for cell in _CELLS)]
        raise BadInput(f"there is no {name!r:.60}", where="%brig help", hint=nearest(plain, known) or ", ".join(known))
    chosen = command(plain)
    return _one(chosen.usage, chosen.summary, chosen.words, chosen.example, chosen.twin)


def _one(used: str, summary: str, words: Sequence[Word], example: str, twin: str) -> Help:
    rows = tuple((_shown(word), word.help) for word in words)
    also = [f"the same as a function: from brignb.magics import {twin}"] if twin else []
    return Help((used,), rows, (summary, f"example: {example}", *also))


def _shown(word: Word) -> str:
    short = f"{word.short}, " if word.short else ""
    return f"{short}{word.name} {word.value}".rstrip()
