"""What a notebook says in brignb's words: which handlers it registers, which events it emits, which jobs it names.

    trees of all cells ──▶ said ──▶ Said(handlers, emitted, jobs, idle)

Only names that come from `brignb` count (`from brignb import events as on` too), and only literals are read: nothing is guessed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from brignb.export.ordering import Cell

_GIVEN: Final = frozenset({"event", "project"})


@dataclass(frozen=True, slots=True)
class Registered:
    """A handler.

    Args:
        cell: Where it is registered.
        line: The same.
        function: Its function's name; None when it has none.
        types: Literal event types, each with its line.
    """

    cell: Cell
    line: int
    function: str | None
    types: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class NamedJob:
    """A job's name: the whole of it, or what stands between the braces of an f-string."""

    cell: Cell
    line: int
    pieces: tuple[str, ...]
    whole: bool


@dataclass(slots=True)
class Said:
    """See the module.

    Args:
        handlers: All that are registered.
        emitted: Literal types of `events.emit`.
        jobs: Names of jobs.
        idle: Functions of a handler's shape that nothing registers, calls or mentions: cell, line, name.
        speaks: Whether the notebook imports brignb at all.
    """

    handlers: list[Registered] = field(default_factory=list)
    emitted: set[str] = field(default_factory=set)
    jobs: list[NamedJob] = field(default_factory=list)
    idle: list[tuple[Cell, int, str]] = field(default_factory=list)
    speaks: bool = False


def said(cells: Sequence[Cell]) -> Said:
    """See the module."""
    words = _words(cells)
    found = Said(speaks=bool(words))
    every = (node for cell in cells for node in ast.walk(cell.parsed.tree))
    mentioned = {node.id for node in every if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    for cell in cells:
        for node in ast.walk(cell.parsed.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                _decorated(cell, node, words, found)
            elif isinstance(node, ast.Call):
                _called(cell, node, words, found)
        for statement in cell.parsed.tree.body:
            name = _like_a_handler(statement)
            if name and name not in mentioned:
                found.idle.append((cell, statement.lineno, name))
    return found


def _words(cells: Iterable[Cell]) -> dict[str, str]:
    """Names in the notebook, each with the word of brignb that it stands for; those that it gives another meaning too are left out."""
    words: dict[str, str] = {}
    others: set[str] = set()
    for cell in cells:
        for node in ast.walk(cell.parsed.tree):
            if isinstance(node, ast.ImportFrom):
                ours = node.module == "brignb" and not node.level
                for alias in node.names:
                    if ours and alias.name == "*":
                        words |= {word: word for word in ("events", "Job", "Group", "project")}
                    elif ours:
                        words[alias.asname or alias.name] = alias.name
                    else:
                        others.add(alias.asname or alias.name)
            elif isinstance(node, ast.Import):
                words |= {alias.asname or alias.name: "brignb" for alias in node.names if alias.name == "brignb"}
            elif isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                others.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                others.add(node.id)
    return {name: word for name, word in words.items() if name not in others}


def _word(node: ast.expr, words: Mapping[str, str]) -> str | None:
    """`events.on`, `Job`, … for an expression that is one of them."""
    if isinstance(node, ast.Name):
        return words.get(node.id)
    if isinstance(node, ast.Attribute) and (owner := _word(node.value, words)):
        return node.attr if owner == "brignb" else f"{owner}.{node.attr}"
    return None


def _decorated(cell: Cell, node: ast.FunctionDef | ast.AsyncFunctionDef, words: Mapping[str, str], found: Said) -> None:
    """Its types are read where `_called` comes to the decorator itself."""
    for each in node.decorator_list:
        if isinstance(each, ast.Call) and _word(each.func, words) == "events.on":
            found.handlers.append(Registered(cell, each.lineno, node.name, ()))


def _called(cell: Cell, node: ast.Call, words: Mapping[str, str], found: Said) -> None:
    word = _word(node.func, words)
    if word == "events.on":
        last = node.args[-1] if node.args else None
        name = last.id if isinstance(last, ast.Name) else "lambda" if isinstance(last, ast.Lambda) else None
        found.handlers.append(Registered(cell, node.lineno, name, _literals(node.args)))
    elif word == "events.emit":
        found.emitted |= {text for text, _ in _literals(node.args[:1])}
    elif word == "Job":
        for given in node.args[:1] or [each.value for each in node.keywords if each.arg == "name"]:
            _named(cell, given, found)


def _named(cell: Cell, name: ast.expr, found: Said) -> None:
    if isinstance(name, ast.Constant) and isinstance(name.value, str):
        found.jobs.append(NamedJob(cell, name.lineno, (name.value,), whole=True))
    elif isinstance(name, ast.JoinedStr):
        pieces = tuple(str(each.value) for each in name.values if isinstance(each, ast.Constant))
        found.jobs.append(NamedJob(cell, name.lineno, pieces, whole=False))


def _literals(nodes: Iterable[ast.expr]) -> tuple[tuple[str, int], ...]:
    return tuple(
        (each.value, each.lineno) for each in nodes if isinstance(each, ast.Constant) and isinstance(each.value, str)
    )


def _like_a_handler(node: ast.stmt) -> str | None:
    """The name of `def push(event, project)`, in either order, or `def push(event)`; undecorated, since a decorator may register it."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.decorator_list:
        return None
    arguments = node.args
    names = [each.arg for each in (*arguments.posonlyargs, *arguments.args)]
    plain = not (arguments.vararg or arguments.kwarg or arguments.kwonlyargs)
    return node.name if plain and "event" in names and set(names) <= _GIVEN else None
