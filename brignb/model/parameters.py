"""Parameters: how each declared name gets its value.

    Declared, … ──▶ resolve(event, -p) ──▶ {name: value}

A value comes, in order, from `-p`, from the path in the declaration's comment, from the default; never by name alone (contract,
"Notebook"). A path is walked through JSON, never through attributes. What must never happen: a name or a value that becomes code.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from brignb.errors import ParameterError
from brignb.model.declarations import MISSING, Declarations, Declared, name_problem, read
from brignb.model.events import Event
from brignb.model.shapes import ShapeError

__all__ = ["MISSING", "Declarations", "Declared", "check", "find", "look_up", "parse", "read", "resolve"]


def parse(text: str, declared: Declared) -> Any:
    """The value of `-p NAME=VALUE`, by the declared type.

    Raises:
        ParameterError: The text does not say such a value.
    """
    try:
        return declared.type.parse(text)
    except ShapeError as error:
        raise ParameterError(str(error), where=declared.where, hint=f"its type is {declared.type}") from error


def check(name: str, value: Any, declared: Sequence[Declared]) -> Any:
    """A value that has a type already (papermill's `-p`), as it is bound.

    Raises:
        ParameterError: The name is not declared, or the value is of another type.
    """
    return _fit(value, find(name, declared), f"{name} ")


def find(name: str, declared: Sequence[Declared]) -> Declared:
    """The declaration of a name.

    Raises:
        ParameterError: There is none (the nearest one is named), or it is a name that no parameter can have.
    """
    if any(one.name == name for one in declared) and (problem := name_problem(name)):
        raise ParameterError(f"{name!r:.80} {problem}", where="parameters", hint="rename it in the `parameters` cell")
    for one in declared:
        if one.name == name:
            return one
    names = [one.name for one in declared]
    nearest = difflib.get_close_matches(str(name), names, n=1, cutoff=0.4)
    known = (
        f"declared are {', '.join(names)}"
        if names
        else "the notebook has no cell tagged `parameters` that declares any"
    )
    raise ParameterError(
        f"the notebook declares no parameter {name!r:.80}",
        where="parameters",
        hint=f"did you mean {nearest[0]}? {known}" if nearest else known,
    )


def resolve(declared: Sequence[Declared], event: Event, given: Mapping[str, str]) -> dict[str, Any]:
    """The values that differ from the defaults' own: from `-p`, else from the path.

    Raises:
        ParameterError: An undeclared name, a wrong type, or neither value nor default.
    """
    asked = {find(name, declared).name: text for name, text in given.items()}
    values: dict[str, Any] = {}
    for one in declared:
        if one.name in asked:
            values[one.name] = parse(asked[one.name], one)
            continue
        value = MISSING if one.path is None else look_up(event, one.path)
        if value is not MISSING:
            values[one.name] = _fit(value, one, f"{one.path} ")
        elif one.default is MISSING:
            raise ParameterError("has no value and no default", where=one.where, hint=f"give it: -p {one.name}=VALUE")
    return values


def look_up(event: Event, path: str) -> Any:
    """What stands at a path of an event; `MISSING` when it leads nowhere, or to a field that this event has not."""
    _, root, *steps = path.split(".")
    value = event.data if root == "data" else event.to_json()[root]
    if root != "data" and value is None:
        return MISSING
    for step in steps:
        value = _step(value, step)
        if value is MISSING or (value is None and root != "data"):
            return MISSING
    return MISSING if value is None and not steps else value


def _step(value: Any, step: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(step, MISSING)
    if isinstance(value, list) and step.isascii() and step.isdigit() and len(step) < 10:  # noqa: PLR2004 - an index
        index = int(step)
        return value[index] if index < len(value) else MISSING
    return MISSING


def _fit(value: Any, declared: Declared, what: str) -> Any:
    try:
        return declared.type.check(value)
    except ShapeError as error:
        raise ParameterError(f"{what}{error}", where=declared.where, hint=f"its type is {declared.type}") from error
