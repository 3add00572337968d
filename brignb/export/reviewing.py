"""The review: everything that an author can be told of a notebook before a build does, errors and warnings alike.

    bytes ──▶ check (what a build asks) ─┐
          ──▶ trees, names, words ───────┴──▶ Review(findings, exported)

An error is what a build would fail on, or a secret in the file; a warning is what would quietly never happen. A line that says
`# brignb: ok` has been looked at: no warning of it is told. Nothing is executed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from brignb.engine.language import PYTHON, language_of
from brignb.export.advising import check_job_magic, check_words
from brignb.export.checking import check, is_scratch
from brignb.export.leaking import check_leaks
from brignb.export.ordering import Cell, check_order
from brignb.export.plainpython import parse
from brignb.export.problems import ERROR, WARNING, Problem, Problems, Unexportable
from brignb.export.reading import cells_of, load
from brignb.export.wording import said
from brignb.export.writing import Exported
from brignb.model.redaction import Redactor

_LOOKED_AT: Final = "# brignb: ok"


@dataclass(frozen=True, slots=True)
class Review:
    """What was found.

    Args:
        name: The notebook's.
        findings: In the order of cells and lines.
        exported: What a build would run; None when it could not.
    """

    name: str
    findings: tuple[Problem, ...]
    exported: Exported | None

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Errors."""
        return tuple(each for each in self.findings if each.severity == ERROR)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """Warnings."""
        return tuple(each for each in self.findings if each.severity == WARNING)

    def accepted(self) -> Exported:
        """The export, if there is no error.

        Raises:
            Unexportable: There is.
        """
        if self.problems or self.exported is None:
            raise Unexportable(self.name, self.problems)
        return self.exported


def review(notebook: bytes, *, name: str, commit: str | None = None, redactor: Redactor | None = None) -> Review:
    """Look a notebook over.

    Args:
        notebook: The file's bytes.
        name: Its path or file name, for errors and for the worker notebook's metadata.
        commit: Of its repository, when it is known.
        redactor: Knows the project's secrets.
    """
    exported = None
    try:
        exported = check(notebook, name=name, commit=commit, redactor=redactor)
        found = list(exported.warnings)
    except Unexportable as error:
        found = list(error.problems)
    try:
        problems = Problems(name)
        document = load(notebook, problems)
        cells = list(enumerate(cells_of(document, problems), 1))
    except Unexportable:
        return Review(name, tuple(found), exported)
    found += _advice(document, cells, redactor or Redactor())
    sources = {number: cell["source"].split("\n") for number, cell in cells}
    told = {each: None for each in found if not (each.severity == WARNING and _looked_at(each, sources))}
    return Review(name, tuple(sorted(told, key=lambda each: (each.cell, each.line))), exported)


def _advice(document: dict[str, Any], cells: list[tuple[int, dict[str, Any]]], redactor: Redactor) -> Iterator[Problem]:
    for number, cell in cells:
        yield from check_leaks(number, cell, not is_scratch(cell), redactor)
    if language_of(document) != PYTHON:
        return
    parsed = []
    for number, cell in cells:
        if cell["cell_type"] != "code":
            continue
        yield from check_job_magic(number, cell["source"])
        if tree := parse(cell["source"]):
            count = cell.get("execution_count")
            parsed.append(Cell(number, not is_scratch(cell), count if isinstance(count, int) else None, tree))
    spoken = said(parsed)
    mine = document.get("metadata", {}).get("brignb", {})
    listed = mine.get("on") if isinstance(mine, dict) else None
    types = [each for each in listed if isinstance(each, str)] if isinstance(listed, list) else None
    yield from check_words(spoken, types)
    yield from check_order(parsed, {each.function for each in spoken.handlers if each.function})


def _looked_at(problem: Problem, sources: dict[int, list[str]]) -> bool:
    lines = sources.get(problem.cell, [])
    return 0 < problem.line <= len(lines) and _LOOKED_AT in lines[problem.line - 1]
