"""Settings of a dataclass's fields, read from the environment: `<PREFIX><NAME>`, by the field's type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from brignb.errors import BadInput

_FLAGS: Final = {"1": True, "true": True, "0": False, "false": False}


def given(cls: type, prefix: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """The fields that are set there: `str`, `int`, `float` or `bool`.

    Args:
        cls: A dataclass.
        prefix: Of the variables' names.
        environment: Theirs.

    Raises:
        BadInput: One has a value of a wrong type.
    """
    found: dict[str, Any] = {}
    for field in fields(cls):
        name = prefix + field.name.upper()
        if (text := environment.get(name)) is not None:
            found[field.name] = _value(str(field.type), text, f"${name}")
    return found


def _value(kind: str, text: str, where: str) -> object:
    try:
        return _FLAGS[text.lower()] if kind == "bool" else {"int": int, "float": float}.get(kind, str)(text)
    except (KeyError, ValueError) as error:
        raise BadInput(f"{text!r:.40} is no {kind}", where=where) from error
