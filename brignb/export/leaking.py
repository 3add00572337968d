"""Secrets where no build would take them from, but everybody can read them: outputs, and cells that are not exported."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from brignb.export.checking import DEPTH_MAX, deep
from brignb.export.problems import ERROR, WARNING, Problem
from brignb.model.redaction import Redactor

SECRET: Final = "secret"  # noqa: S105 - a check's name
_CHANGE: Final = "and change the secret if the file was shared"


def check_leaks(number: int, cell: dict[str, Any], kept: bool, redactor: Redactor) -> Iterator[Problem]:  # noqa: FBT001 - one fact
    """A cell's outputs, and its source unless export has looked into it.

    Args:
        number: The cell's.
        cell: It.
        kept: Whether it is exported.
        redactor: Knows the secrets' values.
    """
    for line, text in enumerate(() if kept else cell["source"].split("\n"), 1):
        if redactor(text) != text:
            hint = f"read it from project.secrets, {_CHANGE}"
            yield Problem("holds the value of a secret of the project", number, line, hint, ERROR, SECRET)
    outputs = cell.get("outputs")
    if deep(outputs):
        message = f"has an output that nests deeper than {DEPTH_MAX}, which nobody searches for secrets"
        yield Problem(message, number, 0, "clear the cell's outputs", WARNING, SECRET)
    elif isinstance(outputs, list) and redactor.tree(_joined(outputs)) != _joined(outputs):
        hint = f"clear the cell's outputs, {_CHANGE}"
        yield Problem("shows the value of a secret of the project in its output", number, 0, hint, ERROR, SECRET)


def _joined(value: Any) -> Any:
    """Texts that nbformat keeps as lists of lines, as one: a value is seen wherever lines are broken."""
    if isinstance(value, list):
        return (
            "".join(value) if value and all(isinstance(one, str) for one in value) else [_joined(one) for one in value]
        )
    return {key: _joined(one) for key, one in value.items()} if isinstance(value, dict) else value
