"""What a field of a `Job` takes: one function a kind, from (field's name, what the author wrote) to what the field holds.

Lists and dicts are copied, and stay lists and dicts: they may be changed until the job runs, when they are taken once more. A wrong
type is an error that names the field and never shows the value, which may be a secret.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NoReturn

from brignb.errors import JobDefinitionError

Take = Callable[[str, Any], Any]


def refuse(name: str, wanted: str, value: object, hint: str = "") -> NoReturn:
    """Say what a field takes.

    Raises:
        JobDefinitionError: Always.
    """
    kind = type(value).__name__
    if isinstance(value, str) and not value:
        kind = "an empty one"
    elif isinstance(value, int) and value < 0:
        kind = "a negative one"
    raise JobDefinitionError(f"takes {wanted}, not {kind}", where=f"Job.{name}", hint=hint)


def text(name: str, value: Any) -> str:
    """Text that is not empty."""
    if not isinstance(value, str) or not value:
        refuse(name, "a text that is not empty", value)
    return value


def text_or_none(name: str, value: Any) -> str | None:
    """Text; nothing when it is empty, as in Brigade v1."""
    return None if value is None or value == "" else text(name, value)


def path(name: str, value: Any) -> str:
    """A path."""
    return text(name, os.fspath(value) if isinstance(value, os.PathLike) else value)


def path_or_none(name: str, value: Any) -> str | None:
    """A path, or nothing."""
    return None if value is None else path(name, value)


def flag(name: str, value: Any) -> bool:
    """True or False, nothing that is only like it."""
    if not isinstance(value, bool):
        refuse(name, "True or False", value)
    return value


def whole(name: str, value: Any) -> int:
    """A whole number from 0."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        refuse(name, "a whole number from 0", value)
    return value


def seconds(name: str, value: Any) -> float:
    """Seconds, from 0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        refuse(name, "seconds, a number", value)
    if not math.isfinite(value) or value < 0:
        raise JobDefinitionError("takes seconds, a finite number that is not negative", where=f"Job.{name}")
    return float(value)


def time_limit(name: str, value: Any) -> float:
    """Seconds, more than 0."""
    limit = seconds(name, value)
    if limit == 0:
        raise JobDefinitionError("takes seconds, more than 0", where=f"Job.{name}")
    return limit


def texts(name: str, value: Any) -> list[str]:
    """Texts; one text is a list of one."""
    return [value] if isinstance(value, str) else words(name, value)


def words(name: str, value: Any) -> list[str]:
    """A list of texts. One text is refused: whether it is one word or a line of several is not ours to guess."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        refuse(name, "a list of texts", value, hint=f'{name}=["make", "test"]')
    for item in value:
        if not isinstance(item, str):
            refuse(name, "a list of texts, and nothing else in it", item)
    return list(value)


def labels(name: str, value: Any) -> dict[str, str]:
    """Texts by name; numbers are written out."""
    found = table(name, value)
    for key, item in found.items():
        if isinstance(item, bool) or not isinstance(item, str | int | float):
            refuse(f"{name}[{key!r}]", "a text", item)
    return {key: str(item) for key, item in found.items()}


def table(name: str, value: Any) -> dict[str, Any]:
    """Anything by name."""
    if not isinstance(value, Mapping):
        refuse(name, "a mapping", value)
    for key in value:
        if not isinstance(key, str) or not key:
            refuse(name, "texts that are not empty as its keys", key)
    return dict(value)


def tables(name: str, value: Any) -> list[dict[str, Any]]:
    """A list of mappings."""
    if isinstance(value, str | Mapping) or not isinstance(value, Sequence):
        refuse(name, "a list of mappings", value)
    return [table(f"{name}[{index}]", item) for index, item in enumerate(value)]


def tables_by_name(name: str, value: Any) -> dict[str, dict[str, Any]]:
    """Mappings by name."""
    return {key: table(f"{name}[{key!r}]", item) for key, item in table(name, value).items()}


PULL_POLICIES: Final = ("IfNotPresent", "Always", "Never")


def pull_policy(name: str, value: Any) -> str:
    """One of Kubernetes' image pull policies."""
    if value not in PULL_POLICIES:
        refuse(name, f"one of {', '.join(PULL_POLICIES)}", value)
    return str(value)
