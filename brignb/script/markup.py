"""Pieces of static displays: a table, a state, a fold, each in HTML that GitHub, nbconvert and JupyterLab leave alone.

No scripts, no classes, no sheets; colours that read on white and on black, and that say nothing which the words beside them do not.
What enters as text leaves escaped and free of terminal control sequences; what is called `html` is markup of ours already.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from brignb.model.builds import State
from brignb.script.tail import plain

QUIET: Final = "#767f88"
GOOD: Final = "#218739"
BAD: Final = "#d93f3a"
BUSY: Final = "#3079d0"
ODD: Final = "#a86d08"
"""Each of at least 4 : 1 against white and against JupyterLab's dark #111."""

COLOURS: Final = {
    State.PENDING: QUIET,
    State.RUNNING: BUSY,
    State.SUCCEEDED: GOOD,
    State.FAILED: BAD,
    State.CANCELED: ODD,
    State.TIMED_OUT: BAD,
    State.LOST: BAD,
}
MARKS: Final = {
    State.PENDING: "…",
    State.RUNNING: "…",
    State.SUCCEEDED: "✓",
    State.FAILED: "✗",
    State.CANCELED: "⊘",
    State.TIMED_OUT: "✗",
    State.LOST: "?",
}
_MINUTE: Final = 60
_TABLE: Final = "border-collapse:collapse;margin:0.4em 0"
_CELL: Final = "text-align:left;vertical-align:top;padding:0.25em 0.8em 0.25em 0"


def escaped(text: object) -> str:
    """A text, as HTML."""
    return html.escape(plain(str(text)))


def code(text: object) -> str:
    """A text, in a font whose characters are as wide as each other."""
    return f"<code>{escaped(text)}</code>"


def quiet(text: object) -> str:
    """What need not be seen first."""
    return f'<span style="color:{QUIET}">{escaped(text)}</span>'


def unbroken(text: object) -> str:
    """The same, on one line: a time, a size."""
    return f'<span style="color:{QUIET};white-space:nowrap">{escaped(text)}</span>'


def state(of: State | str) -> str:
    """`✓ succeeded`, in its colour; a word that is no state stands as it is."""
    try:
        known = State(of)
    except ValueError:
        return escaped(of)
    return f'<span style="color:{COLOURS[known]};white-space:nowrap">{MARKS[known]} {known}</span>'


def state_text(of: State | str) -> str:
    """The same, without colours."""
    try:
        known = State(of)
    except ValueError:
        return plain(str(of))
    return f"{MARKS[known]} {known}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns with titles; the cells are HTML."""
    head = "".join(f'<th style="{_CELL}">{escaped(title)}</th>' for title in header)
    return f'<table style="{_TABLE}"><tr>{head}</tr>{"".join(map(_row, rows))}</table>'


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Names and values (HTML), one pair a row."""
    return f'<table style="{_TABLE}">{"".join(_row((quiet(name), value)) for name, value in pairs)}</table>'


def _row(cells: Sequence[str]) -> str:
    return f"<tr>{''.join(_cell(each) for each in cells)}</tr>"


def _cell(inside: str) -> str:
    return f'<td style="{_CELL}">{inside}</td>'


def folded(summary: str, body: str, *, opened: bool = False) -> str:
    """What opens when it is clicked; both are HTML."""
    return f"<details{' open' if opened else ''}><summary>{summary}</summary>{body}</details>"


def pre(text: str) -> str:
    """Lines as they are."""
    return (
        f'<pre style="font-family:monospace;margin:0.3em 0;white-space:pre-wrap;background:none">{escaped(text)}</pre>'
    )


def span(seconds: float) -> str:
    """`40 ms`, `3.2 s`, `2 min 5 s`, `1 h 30 min`."""
    if (ms := round(seconds * 1000)) < 1000:  # noqa: PLR2004 - milliseconds of a second
        return f"{ms} ms"
    if (tenths := round(seconds, 1)) < _MINUTE:
        return f"{tenths:.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    return f"{minutes} min {rest} s" if minutes < _MINUTE else f"{minutes // _MINUTE} h {minutes % _MINUTE} min"


def moment(ms: int) -> str:
    """`2026-01-31 12:00:05 UTC` of milliseconds since 1970: a display may be read on another day, in another zone."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
