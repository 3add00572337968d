"""Jobs and groups as displays of the cell that started them, updated in their place: static HTML and text.

This is what a record holds, and what lies below a live view. The HTML stands in a `div` whose class names the view, by which the
front end of `live` finds it; elsewhere that means nothing.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from IPython.display import display, update_display

from brignb.script import groupviews, views
from brignb.script.grouphandle import GroupHandle
from brignb.script.handle import JobHandle
from brignb.script.started import Started
from brignb.widgets.cells import Cell

VIEWS_MAX: Final = 500
"""Views that are kept up to date; a kernel may live for weeks."""
PACE: Final = 0.3
"""Seconds between two updates of a group of up to `PACED` jobs while it runs; of a larger one more, as its HTML grows with its jobs."""
PACED: Final = 50


Shown = JobHandle | GroupHandle


class Cells(Protocol):
    """Knows the cell that asks; see `cells`."""

    def here(self) -> Cell:
        """The cell."""


class Screen(Protocol):
    """Where displays are seen."""

    def show(self, bundle: Mapping[str, str], name: str) -> None:
        """A display of that id."""

    def update(self, bundle: Mapping[str, str], name: str) -> None:
        """All displays of that id."""


class IPythonScreen:
    """The cell's outputs."""

    def show(self, bundle: Mapping[str, str], name: str) -> None:
        """Under the cell that runs."""
        display(bundle, raw=True, display_id=name)

    def update(self, bundle: Mapping[str, str], name: str) -> None:
        """In their place."""
        update_display(bundle, raw=True, display_id=name)


@dataclass
class Showing:
    """One view: what it shows, and where.

    Args:
        id: Of the view, and of its displays.
        runs: What it shows is the last of them.
        cells: Keys of the cells that it stands under.
        drawn: When it was updated last, by a monotonic clock.
    """

    id: str
    runs: list[Shown]
    cells: set[str] = field(default_factory=set)
    drawn: float = 0.0

    @property
    def last(self) -> Shown:
        """What it shows."""
        return self.runs[-1]

    def concerns(self, started: Started[Any]) -> bool:
        """Whether a change of that is to be seen in it; what has ended does not change any more."""
        last = self.last
        return not last.done() and (last is started or self._within(started))

    def _within(self, started: Started[Any]) -> bool:
        last = self.last
        return isinstance(last, GroupHandle) and started in {*last.handles, *last.groups}


class StaticView:
    """Implements `brignb.script.session.View`.

    Args:
        cells: Knows the cell that asks.
        screen: Where it is shown; None: where IPython displays.
        clock: Seconds, growing.
    """

    def __init__(
        self, cells: Cells, *, screen: Screen | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._cells = cells
        self._screen = screen or IPythonScreen()
        self._clock = clock
        self._showings: OrderedDict[str, Showing] = OrderedDict()

    def started(self, started: Started[Any], owner: Started[Any] | None) -> None:
        """Show it, under the cell that asked for it; what belongs to a group is shown in that."""
        if owner is None and isinstance(started, Shown):
            self._show_new(started)

    def changed(self, started: Started[Any]) -> None:
        """Show it anew, in its place."""
        for showing in [each for each in tuple(self._showings.values()) if each.concerns(started)]:
            self._changed(showing)

    def show(self, started: Started[Any]) -> bool:
        """Show it under the cell that asks, unless it stands there already."""
        if not isinstance(started, Shown):
            return False
        showing = self._find(started)
        if showing is None:
            self._show_new(started)
        elif (cell := self._cells.here()).key not in showing.cells:
            self._display(showing, cell)
        return True

    def _show_new(self, started: Shown) -> Showing:
        showing = self._showings[_id(started)] = Showing(_id(started), [started])
        self._display(showing, self._cells.here())
        while len(self._showings) > VIEWS_MAX:
            self._forget(next(iter(self._showings)))
        return showing

    def _find(self, started: Started[Any]) -> Showing | None:
        return next((each for each in self._showings.values() if each.last is started), None)

    def _forget(self, view: str) -> None:
        del self._showings[view]

    def _display(self, showing: Showing, cell: Cell) -> None:
        showing.cells.add(cell.key)
        cell.run(lambda: self._screen.show(_bundle(showing), showing.id))

    def _changed(self, showing: Showing) -> None:
        last, now = showing.last, self._clock()
        if isinstance(last, GroupHandle) and not last.state.terminal:
            pace = PACE * max(1, len(last.handles) / PACED)
            if now < showing.drawn + pace:
                return  # another change will come: its end
        showing.drawn = now
        self._screen.update(_bundle(showing), showing.id)


def _id(started: Shown) -> str:
    return started.first_id if isinstance(started, JobHandle) else started.id


def _bundle(showing: Showing) -> dict[str, str]:
    last = showing.last
    if isinstance(last, GroupHandle):
        html, text = groupviews.render_html(last), groupviews.render_text(last)
    else:
        html, text = views.render_html(last), views.render_text(last)
    return {"text/html": f'<div class="brignb-view brignb-{showing.id}">{html}</div>', "text/plain": text}
