"""`export` and `check`: this notebook, as it was saved last, becomes a worker notebook, or a list of what is wrong with it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from brignb.errors import BadInput
from brignb.export import Review, to_bytes
from brignb.export.problems import Problem
from brignb.magics.notebooks import notebook_path
from brignb.script.markup import BAD, ODD, escaped, moment, quiet, table
from brignb.script.tail import plain

_COLOURS: Final = {"error": BAD, "warning": ODD}


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found, to be read.

    Args:
        findings: In the order of cells and lines.
        summary: Lines at the end.
    """

    findings: tuple[Problem, ...]
    summary: tuple[str, ...]

    def __repr__(self) -> str:
        return "\n".join(map(plain, [*map(_text, self.findings), *self.summary]))

    def _repr_mimebundle_(self, **_asked: Any) -> dict[str, str]:
        rows = [[_severity(each), escaped(each.where), _said(each)] for each in self.findings]
        end = "".join(f"<div>{escaped(line)}</div>" for line in self.summary)
        html = f"{table(('', 'where', 'what'), rows)}{end}" if rows else end
        return {"text/plain": repr(self), "text/html": html}


def export(output: str | os.PathLike[str] | None = None, *, notebook: str | os.PathLike[str] | None = None) -> Checked:
    """Check this notebook and write the worker notebook; `%brig export` is this.

    Args:
        output: Where to; None: `NAME-worker.ipynb` beside it.
        notebook: Its file; None: the one that runs here.

    Raises:
        NotebookError: It cannot be exported; every reason is told.
        NotFound: Nobody tells which notebook this is.
        BadInput: It would overwrite the notebook itself, or cannot be written.
    """
    path = notebook_path(notebook)
    worker = Path(output).expanduser() if output else path.with_name(f"{path.stem}-worker.ipynb")
    if worker.exists() and worker.samefile(path):
        raise BadInput("it would overwrite the notebook itself", where=str(worker), hint="choose another name")
    review = _review(path)
    exported = review.accepted()
    try:
        worker.write_bytes(to_bytes(exported))
    except OSError as error:
        raise BadInput(f"cannot be written: {error.strerror}", where=str(worker)) from error
    names = ", ".join(parameter.name for parameter in exported.parameters)
    dropped = f", {exported.dropped} scratch cells left out" if exported.dropped else ""
    cells = len(exported.worker_notebook["cells"])
    done = f"wrote {worker}: {cells} cells, parameters: {names or 'none'}{dropped}"
    return Checked(review.warnings, (done, _as_saved(path)))


def check(notebook: str | os.PathLike[str] | None = None) -> Checked:
    """What is wrong with this notebook, and what may be; `%brig check` is this.

    Raises:
        NotFound: Nobody tells which notebook this is.
    """
    path = notebook_path(notebook)
    review = _review(path)
    found = f"{_many(review.problems, 'error')}, {_many(review.warnings, 'warning')}"
    return Checked(review.findings, (f"{path.name}: {found if review.findings else 'all well'}", _as_saved(path)))


def _review(path: Path) -> Review:
    from brignb.wiring.checking import review_file  # noqa: PLC0415 - most magics check nothing

    return review_file(path)


def _many(found: Sequence[Problem], word: str) -> str:
    return f"{len(found)} {word}{'' if len(found) == 1 else 's'}"


def _severity(problem: Problem) -> str:
    return f'<span style="color:{_COLOURS[problem.severity]}">{escaped(problem.severity)}</span>'


def _said(problem: Problem) -> str:
    return escaped(problem.message) + (f"<br>{quiet(problem.hint)}" if problem.hint else "")


def _text(problem: Problem) -> str:
    place = f"{problem.where}: " if problem.where else ""
    hint = f"\n    {problem.hint}" if problem.hint else ""
    return f"{problem.severity}: {place}{problem.message}{hint}"


def _as_saved(path: Path) -> str:
    """A kernel sees files, not editors."""
    return f"as it was saved at {moment(path.stat().st_mtime_ns // 1_000_000)}"
