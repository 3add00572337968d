"""The view of a kernel that somebody works with: `static`'s displays, which the hub's front end brings to life.

Without anywidget, or when it cannot be loaded, the displays stay static: a job must never fail for its view.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import Any, cast

from brignb.script.grouphandle import GroupHandle
from brignb.script.handle import JobHandle
from brignb.script.started import Started
from brignb.widgets.feed import Feed
from brignb.widgets.groupfeed import GroupFeed
from brignb.widgets.jobfeed import JobFeed
from brignb.widgets.static import Cells, Showing, Shown, StaticView
from brignb.widgets.switchboard import Switchboard

HINT = "brignb: for live logs and buttons: pip install 'brignb[notebook]', then restart the kernel"


class LiveView(StaticView):
    """See the module.

    Args:
        cells: Knows the cell that asks.
        connect: Makes the switchboard, with its widget; raises ImportError where there is no anywidget.
    """

    def __init__(self, cells: Cells, connect: Callable[[], Switchboard]) -> None:
        super().__init__(cells)
        self._connect = connect
        self._board: Switchboard | None = None
        self._asked = False
        self._lock = threading.Lock()
        self._into: contextvars.ContextVar[Showing | None] = contextvars.ContextVar("brignb_into", default=None)

    def started(self, started: Started[Any], owner: Started[Any] | None) -> None:
        """Show it where it belongs: in its group, in the view whose button asked for it, or under the cell."""
        showing = self._into.get()
        if showing is None or owner is not None or not isinstance(started, Shown):
            super().started(started, owner)
            return
        self._into.set(None)  # what it starts itself is shown elsewhere
        showing.runs.append(started)
        self._changed(showing)

    def attach(self, view: str, feed: Feed) -> None:
        """Bring a placeholder of another module's to life: `<div class="brignb-view brignb-ID">`."""
        if (board := self._switchboard()) is not None:
            board.attach(view, feed)

    def grew(self, job_id: str, _size: int) -> None:
        """A job's log has grown; on the job loop."""
        if self._board is not None:
            self._board.grew(job_id)

    def _show_new(self, started: Shown) -> Showing:
        showing = super()._show_new(started)
        if (board := self._switchboard()) is not None:
            board.attach(showing.id, self._feed(showing))
        return showing

    def _changed(self, showing: Showing) -> None:
        super()._changed(showing)
        if self._board is not None:
            self._board.stir(showing.id)

    def _forget(self, view: str) -> None:
        super()._forget(view)
        if self._board is not None:
            self._board.detach(view)

    def _feed(self, showing: Showing) -> Feed:
        def rerun() -> None:
            token = self._into.set(showing)
            try:
                showing.last.rerun()
            finally:
                self._into.reset(token)

        if isinstance(showing.last, JobHandle):
            return JobFeed(cast("list[JobHandle]", showing.runs), rerun)
        return GroupFeed(cast("list[GroupHandle]", showing.runs), rerun)

    def _switchboard(self) -> Switchboard | None:
        """Made with the first view; None where there cannot be one, which is said once."""
        with self._lock:
            if not self._asked:
                self._asked = True
                try:
                    self._board = self._connect()
                except ImportError:
                    print(HINT)  # noqa: T201 - under the cell that could have had more
        return self._board
