"""Declarations: what the cell tagged `parameters` says, read from its syntax tree.

    source of the cell ──▶ read ──▶ Declarations(declared, problems)

    count: int = 3               # from: event.data.repository.forks
    environment = "staging"      # its type is its default's
    label: str | None = None

The cell is parsed, never executed. Everything wrong is told at once, each with its line.
"""

from __future__ import annotations

import ast
import io
import keyword
import math
import re
import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from brignb.model.annotations import read_annotation
from brignb.model.shapes import ANY, Shape, ShapeError, shape_of

MISSING: Final = object()
"""No value: a path that leads nowhere, a declaration without a default."""

RESERVED: Final = frozenset({"event", "project", "In", "Out", "get_ipython", "exit", "quit"})
"""Names that stand for something else in a notebook."""

_FROM = re.compile(r"#\s*from:\s*(\S+)\s*\Z")
_ROOTS: Final = frozenset(
    {"id", "type", "source", "project", "build_id", "payload", "data", "revision", "image", "cause"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """One declaration.

    Args:
        name: An identifier, no keyword, no dunder.
        type: Its annotation's shape, else its default's.
        default: `MISSING` when there is none, or when it is no literal.
        path: From the comment `# from: event.…`; None without one.
        line: In the cell, from 1.
    """

    name: str
    type: Shape
    default: Any = MISSING
    path: str | None = None
    line: int

    @property
    def where(self) -> str:
        """For errors."""
        return f"`parameters` cell, line {self.line}, {self.name}"


@dataclass(frozen=True, slots=True)
class Declarations:
    """What a cell declares, and what is wrong with it.

    Args:
        declared: In the cell's order; a name that is assigned twice counts with its last.
        problems: (line, sentence).
    """

    declared: tuple[Declared, ...] = ()
    problems: tuple[tuple[int, str], ...] = ()


@dataclass(slots=True)
class _Reading:
    """A reading in progress."""

    paths: Mapping[int, str]
    declared: dict[str, Declared] = field(default_factory=dict)
    problems: list[tuple[int, str]] = field(default_factory=list)

    def statement(self, node: ast.stmt) -> None:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            self.declare(node, node.target.id, node.annotation, node.value)
        elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            self.declare(node, node.targets[0].id, None, node.value)
        elif not _harmless(node):
            self.problems.append(
                (node.lineno, "is no declaration; the `parameters` cell holds `name: type = literal` only")
            )

    def declare(self, node: ast.stmt, name: str, annotation: ast.expr | None, value: ast.expr | None) -> None:
        complaints: list[str] = []
        if complaint := name_problem(name):
            complaints.append(complaint)
        default = MISSING if value is None else _default(value, complaints)
        shape = _shape(annotation, default, complaints)
        path = next((self.paths[n] for n in range(node.lineno, (node.end_lineno or 0) + 1) if n in self.paths), None)
        if path is not None and (complaint := path_problem(path)):
            complaints.append(complaint)
        if default is not MISSING and not complaints:
            try:
                default = shape.check(default)
            except ShapeError as error:
                complaints.append(f"its default {error}")
        self.problems += [(node.lineno, f"{name}: {complaint}") for complaint in complaints]
        self.declared[name] = Declared(name=name, type=shape, default=default, path=path, line=node.lineno)


def read(source: str) -> Declarations:
    """What the source of a `parameters` cell declares; nothing is raised, everything wrong is told."""
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        return Declarations(problems=((error.lineno or 1, f"is no Python: {error.msg}"),))
    except (ValueError, RecursionError, MemoryError) as error:
        return Declarations(problems=((1, f"is no Python: {error}"),))
    try:
        reading = _Reading(_paths(source))
    except (tokenize.TokenError, IndentationError) as error:
        return Declarations(problems=((1, f"is no Python: {error}"),))
    for node in tree.body:
        reading.statement(node)
    return Declarations(tuple(reading.declared.values()), tuple(reading.problems))


def name_problem(name: object) -> str:
    """What is wrong with a parameter's name; empty when nothing is."""
    if not isinstance(name, str) or not name.isidentifier() or not name.isascii():
        return "a parameter's name is made of letters, digits and _"
    if keyword.iskeyword(name):
        return "is a word of Python's own"
    if name.startswith("__"):
        return "a parameter's name does not begin with __"
    return "is a name that every notebook has already" if name in RESERVED else ""


def _default(value: ast.expr, complaints: list[str]) -> Any:
    try:
        default = ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        complaints.append("its default is no literal")
        return MISSING
    if isinstance(default, tuple | set | frozenset | bytes | complex) or default is Ellipsis:
        complaints.append(f"its default is a {type(default).__name__}, which is no JSON")
        return MISSING
    if isinstance(default, float) and not math.isfinite(default):
        complaints.append("its default is not a finite number")
        return MISSING
    return default


def _shape(annotation: ast.expr | None, default: Any, complaints: list[str]) -> Shape:
    if annotation is None:
        return shape_of(default)
    try:
        return read_annotation(annotation)
    except ShapeError as error:
        complaints.append(str(error))
        return ANY


def path_problem(path: str) -> str:
    """What is wrong with a path into the event; empty when nothing is."""
    head, _, rest = path.partition(".")
    root, *steps = rest.split(".")
    if head != "event" or root not in _ROOTS or not all(steps):
        return f"{path!r:.80} is no path; write `# from: event.data.…`, `event.type`, `event.revision.commit`, …"
    return ""


def _harmless(node: ast.stmt) -> bool:
    """Imports (for annotations), docstrings, `pass`."""
    text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return text or isinstance(node, ast.Import | ast.ImportFrom | ast.Pass)


def _paths(source: str) -> dict[int, str]:
    """By line, the paths in comments."""
    return {line: found[1] for line, text in _comments(source) if (found := _FROM.match(text))}


def _comments(source: str) -> Iterable[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
