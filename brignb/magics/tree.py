"""A payload as a tree that opens and closes: `<details>` within each other, no scripts, nothing of a stranger's that a page obeys.

Bounded: a payload may have 25 MiB, a display has `NODES_MAX` nodes, and says what it left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from brignb.script.markup import GOOD, code, escaped, pre, quiet
from brignb.script.tail import plain

NODES_MAX: Final = 2000
"""Of a tree that are shown; a browser is slow with more."""
INSIDE_MAX: Final = 200
"""Of one list or object."""
TEXT_MAX: Final = 2000
"""Characters of a text."""
NAME_MAX: Final = 200
"""The same of a key."""
DEPTH_MAX: Final = 24
OPEN: Final = 1
"""Levels that are open at first."""


class _Tree:
    """One tree in the making; counts what it has made."""

    def __init__(self) -> None:
        self._left = NODES_MAX

    def node(self, name: str, value: Any, depth: int) -> str:
        """One value with its name."""
        self._left -= 1
        label = f"{code(_cut(name, NAME_MAX))} " if name else ""
        if not isinstance(value, dict | list) or not value:
            return f"<div>{label}{_leaf(value)}</div>"
        many = f"{len(value)} {'keys' if isinstance(value, dict) else 'items'}"
        if depth >= DEPTH_MAX:
            return f"<div>{label}{quiet(f'{many}, too deep to be shown')}</div>"
        inside = "".join(self._inside(value, depth))
        opened = " open" if depth < OPEN else ""
        return (
            f"<details{opened}><summary>{label}{quiet(many)}</summary>"
            f'<div style="margin-left:1.2em">{inside}</div></details>'
        )

    def _inside(self, value: dict[str, Any] | list[Any], depth: int) -> Iterator[str]:
        pairs = value.items() if isinstance(value, dict) else ((str(at), each) for at, each in enumerate(value))
        shown = 0
        for name, each in islice(pairs, INSIDE_MAX):
            if self._left <= 0:
                break
            shown += 1
            yield self.node(str(name), each, depth + 1)
        if shown < len(value):
            yield f"<div>{quiet(f'… {len(value) - shown} more')}</div>"


def tree(payload: str) -> str:
    """A payload as HTML: a tree if it is JSON, else its text."""
    if not payload:
        return quiet("no payload")
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError):
        return pre(_cut(payload, TEXT_MAX * 10))
    return _Tree().node("", value, 0)


def outline(payload: str, width: int = 100, lines: int = 20) -> str:
    """A payload as a few lines of text."""
    try:
        text = json.dumps(json.loads(payload), indent=2, ensure_ascii=False) if payload else "no payload"
    except (ValueError, RecursionError):
        text = payload
    found = [_cut(plain(line), width) for line in islice(text.split("\n"), lines)]
    rest = text.count("\n") + 1 - len(found)
    return "\n".join([*found, *([f"… {rest} more lines"] if rest > 0 else [])])


def _leaf(value: Any) -> str:
    if isinstance(value, str):
        return f'<span style="color:{GOOD};overflow-wrap:anywhere">{escaped(json.dumps(_cut(value, TEXT_MAX), ensure_ascii=False))}</span>'
    return escaped(json.dumps(value))


def _cut(text: str, most: int) -> str:
    rest = len(text) - most
    return text if rest <= 0 else f"{text[:most]}… {rest} characters more"
