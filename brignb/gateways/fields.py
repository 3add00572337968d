"""Reading what a stranger's JSON says, wherever it may be missing or of another type."""

from __future__ import annotations

import json
from typing import Any


def value(data: Any, path: str) -> Any:
    """What stands at `a.b.c`, by the names of objects; None when there is nothing."""
    for name in path.split("."):
        if not isinstance(data, dict):
            return None
        data = data.get(name)
    return data


def text(data: Any, path: str) -> str | None:
    """The text at a path; None when it is empty or no text."""
    found = value(data, path)
    return found if isinstance(found, str) and found else None


def part(data: Any, path: str) -> dict[str, Any] | None:
    """The object at a path; None when it is none."""
    found = value(data, path)
    return found if isinstance(found, dict) else None


def written(element: Any) -> str:
    """An envelope's element as a body of its own: the same value; spaces and the spelling of numbers may differ from what was received."""
    return json.dumps(element, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
