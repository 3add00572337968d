"""The inbox, live: a filter, a list, the chosen event's payload as a tree, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from brignb.errors import BrignbError
from brignb.magics.stage import Stage, clean
from brignb.magics.tree import tree
from brignb.model.events import Event
from brignb.script.markup import code, escaped, moment, state_text
from brignb.script.session import current
from brignb.script.tail import plain

if TYPE_CHECKING:
    from brignb.magics.inboxes import Entry, Inbox

_ROWS = 12


def live(inbox: Inbox, note: str) -> widgets.Widget:
    """The inbox's widget, made anew for each display."""
    return _View(inbox, note).widget


class _View:
    """The widgets, and what they do."""

    def __init__(self, inbox: Inbox, note: str) -> None:
        self._inbox = inbox
        self._event: Event | None = None
        self._filter = widgets.Text(placeholder="filter: push failed owner/repo", layout=widgets.Layout(flex="1"))
        self._list = widgets.Select(rows=_ROWS, layout=widgets.Layout(width="auto"))
        self._payload = widgets.HTML(layout=widgets.Layout(width="100%"))
        self._status = widgets.HTML()
        self._again = _button("Refresh", "refresh", "ask the server again", self._refresh)
        self._fires = _button("Fire here", "play", "your handlers, as they are now, in this kernel", self._fire)
        self._fires.button_style = "primary"
        self._stops = _button("Stop", "stop", "cancel what runs", self._stop)
        self._reruns = _button("Run again there", "server", "a new build of the same event, on the server", self._rerun)
        self._stage = Stage(self._busy, self._say)
        self._filter.observe(lambda _change: self._list_anew(), "value")
        self._list.observe(lambda _change: self._look(), "value")
        self._list_anew()
        if note:
            self._say(note)
        left = widgets.VBox([self._list], layout=widgets.Layout(width="50%"))
        right = widgets.VBox(
            [self._payload], layout=widgets.Layout(width="50%", max_height="26em", overflow="auto", margin="0 0 0 1em")
        )
        self.widget = widgets.VBox(
            [
                widgets.HBox([self._filter, self._again]),
                widgets.HBox([left, right]),
                widgets.HBox([self._fires, self._stops, self._reruns]),
                self._status,
            ],
            layout=widgets.Layout(width="100%"),
        )
        self._busy(runs=False)

    def _list_anew(self) -> None:
        found = self._inbox.matching(self._filter.value)
        chosen = self._list.value
        self._list.options = [(_label(each), each.event.id) for each in found]
        ids = [each.event.id for each in found]
        self._list.value = chosen if chosen in ids else ids[0] if ids else None
        if not ids:
            self._look()

    def _look(self) -> None:
        """Show the chosen event."""
        self._event = None
        self._payload.value = escaped("no event is chosen")
        if self._list.value is not None:
            self._asked(self._show)
        self._busy(runs=False)

    def _show(self) -> None:
        event = self._inbox.event(self._list.value)
        revision = " ".join(filter(None, (event.revision.commit, event.revision.ref)))
        facts = " ".join(code(each) for each in (event.type, event.source, revision) if each)
        head = f"<div>{facts}</div><div>event {code(event.id)} build {code(event.build_id)}</div>"
        self._payload.value = f'<div style="line-height:1.5">{head}{tree(current().redactor(event.payload))}</div>'
        self._event = event

    def _refresh(self) -> None:
        self._asked(self._inbox.refresh)
        self._list_anew()

    def _fire(self) -> None:
        if (event := self._event) is not None:
            self._stage.perform(lambda: self._inbox.fire(event.id))

    def _stop(self) -> None:
        self._stage.stop()

    def _rerun(self) -> None:
        if (event := self._event) is not None:
            self._asked(lambda: self._say(f"the server runs it again: build {self._inbox.rerun(event)}"))

    def _asked(self, question: Callable[[], Any]) -> None:
        """Ask the server; what it cannot answer is said in one line, and the rest goes on."""
        try:
            question()
        except BrignbError as error:
            self._say(str(error))

    def _say(self, text: str) -> None:
        self._status.value = f'<pre style="margin:0;white-space:pre-wrap;line-height:1.4">{escaped(clean(text))}</pre>'

    def _busy(self, runs: bool) -> None:  # noqa: FBT001 - a callback of one fact
        self._fires.disabled = runs or self._event is None
        self._reruns.disabled = self._event is None
        self._stops.disabled = not runs


def _button(title: str, icon: str, tooltip: str, do: Callable[[], None]) -> widgets.Button:
    button = widgets.Button(description=title, icon=icon, tooltip=tooltip)
    button.on_click(lambda _button: do())
    return button


def _label(entry: Entry) -> str:
    """What is looked for first stands first: a list is narrow."""
    parts = (entry.event.type, state_text(entry.state) if entry.state else "", moment(entry.at), entry.event.project)
    return plain(" · ".join(filter(None, parts)))
