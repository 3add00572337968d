"""A time line as static HTML: a bar for each thing that took time, on one axis, each with what it says in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from brignb.model.builds import State
from brignb.script.markup import COLOURS, QUIET, escaped, quiet, span

LEAST: Final = 0.4
"""Per cent of the axis that a bar has at least, so that it is seen."""


@dataclass(frozen=True, slots=True)
class Bar:
    """What took time. Times are milliseconds since 1970."""

    name: str
    state: str
    begun: int
    ended: int


def bars(given: Sequence[Bar]) -> str:
    """Bars in their order, from the first one's begin to the last one's end; nothing when nothing took any time."""
    if not given:
        return ""
    begin, end = min(bar.begun for bar in given), max(bar.ended for bar in given)
    if end <= begin:
        return ""
    rows = "".join(_row(bar, begin, end) for bar in given)
    axis = f"<div>{quiet(f'time line, {span((end - begin) / 1000)} in all')}</div>"
    return f'<div style="margin:0.4em 0;max-width:60em">{axis}{rows}</div>'


def _row(bar: Bar, begin: int, end: int) -> str:
    whole = end - begin
    left = 100 * (bar.begun - begin) / whole
    width = max(100 * (bar.ended - bar.begun) / whole, LEAST)
    left = min(left, 100 - width)
    words = f"{bar.name}: {span((bar.ended - bar.begun) / 1000)}, {span((bar.begun - begin) / 1000)} after the begin"
    name = (
        '<span style="display:inline-block;width:34%;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;'
        f'vertical-align:middle">{escaped(bar.name)}</span>'
    )
    track = (
        '<span style="display:inline-block;width:50%;vertical-align:middle">'
        f'<span style="display:block;margin-left:{left:.2f}%;width:{width:.2f}%;height:0.8em;'
        f'background:{_colour(bar.state)};border-radius:2px"></span></span>'
    )
    return f'<div title="{escaped(words)}">{name}{track} {quiet(span((bar.ended - bar.begun) / 1000))}</div>'


def _colour(state: str) -> str:
    return COLOURS[State(state)] if state in set(State) else QUIET
