"""Printing: JSON for programs, aligned text for people, and nothing of a stranger's that a terminal would obey."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from typing import Any, Final

_UNRULY = re.compile(r"\x1b\[[0-9;]*m|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Colours, which are kept, then everything else that moves a cursor, rings, or turns text around."""
_COLOURS: Final = {
    "succeeded": "green",
    "failed": "red",
    "timed_out": "red",
    "lost": "red",
    "canceled": "yellow",
    "running": "cyan",
    "pending": "dim",
}

_WHOLE: Final = frozenset({"BUILD", "ID", "STATE"})
"""Columns that a narrow terminal does not break: what is copied into the next command, and what the eye looks for."""


def show_json(document: Any) -> None:
    """One document."""
    json.dump(document, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def say(text: str = "") -> None:
    """A line for people."""
    sys.stdout.write(f"{text}\n")


def note(text: str) -> None:
    """A line beside the data, on stderr."""
    sys.stderr.write(f"{text}\n")


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns, as wide as they must be; in colour on a terminal."""
    if not sys.stdout.isatty():
        widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
        for row in (header, *rows):
            say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        return
    from rich.console import Console  # noqa: PLC0415 - pipes need no colours
    from rich.table import Table  # noqa: PLC0415 - the same
    from rich.text import Text  # noqa: PLC0415 - the same

    grid = Table(box=None, pad_edge=False, header_style="bold")
    for title in header:
        grid.add_column(title, overflow="fold", no_wrap=title in _WHOLE)
    for row in rows:
        grid.add_row(*(Text(calm(cell), style=_COLOURS.get(cell, "")) for cell in row))
    Console().print(grid)


def calm(text: str) -> str:
    r"""Text that a terminal shows and does not obey: colours, tabs and `\r` pass, other controls become U+FFFD."""
    return _UNRULY.sub(lambda found: found[0] if found[0].startswith("\x1b[") or found[0] == "\r" else "\ufffd", text)


def write_log(text: str) -> None:
    """Log text, at once; raw into pipes, calm on terminals."""
    sys.stdout.write(calm(text) if sys.stdout.isatty() else text)
    sys.stdout.flush()
