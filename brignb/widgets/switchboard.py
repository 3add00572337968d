"""Between all feeds of a kernel and its one widget: what changed goes out in batches, log slices within a budget.

Enters: feeds, word that something changed or grew (any thread), messages of pages (any thread). Leaves: messages, sent from the job
loop's thread, at most ten a second:

    {"now": ms, "views": [snapshot…], "slices": [[stream, offset, size]…], "told": [{view, text}…], "gone": [id…]}

with a buffer for each slice, zlib's. The archive is the buffer: what is not sent yet waits there, and what a page has missed it asks
for by its offset. Nothing depends on answers, since a kernel whose main thread is busy may not read any.

What must never happen: a job loop that is busy with views; see `slices` for what jupyter_server would do to too many bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from brignb.errors import BrignbError
from brignb.widgets.feed import Feed
from brignb.widgets.slices import Budget, Slices

INTERVAL: Final = 0.1
"""Seconds between two messages."""
SOON: Final = 0.02
"""Seconds that the first of a batch waits for others."""
NEWS_RATE: Final = 200_000
"""Bytes of snapshots a second, see `slices.RATE`: one of a group of 200 jobs has 0.1 MB, and each of their states is a change of it."""
PULSE: Final = 5.0
"""Seconds of silence after which pages are told that the kernel is there, while something runs."""

Send = Callable[[dict[str, Any], list[bytes]], None]


class Switchboard:
    """See the module.

    Args:
        send: Sends a message with its buffers; must not block.
        call: Calls a function on the job loop, soon.
        later: Calls a function there, seconds later; called there.
        clock: Seconds, growing.
        now_ms: Milliseconds since 1970.
    """

    def __init__(
        self,
        send: Send,
        *,
        call: Callable[[Callable[[], object]], None],
        later: Callable[[float, Callable[[], None]], object],
        clock: Callable[[], float],
        now_ms: Callable[[], int],
    ) -> None:
        self._send = send
        self._call = call
        self._later = later
        self._clock = clock
        self._now_ms = now_ms
        self._budget = Budget(clock)
        self._slices = Slices(self._budget, clock)
        self._news_budget = Budget(clock, NEWS_RATE)
        self._feeds: dict[str, Feed] = {}
        self._said: dict[str, str] = {}
        self._stirred: dict[str, None] = {}
        self._told: list[dict[str, str]] = []
        self._gone: list[str] = []
        self._waits = False
        self._pulses = False
        self._last = clock() - INTERVAL

    def attach(self, view: str, feed: Feed) -> None:
        """There is a view, to be shown from now on."""
        self._call(lambda: self._attach(view, feed))

    def detach(self, view: str) -> None:
        """A view is static HTML from now on."""
        self._call(lambda: self._detach(view))

    def stir(self, view: str) -> None:
        """What a view shows has changed."""
        self._call(lambda: self._stir(view))

    def grew(self, stream: str) -> None:
        """A log has grown; called on the job loop."""
        if self._slices.grew(stream):
            self._wake()

    def hear(self, message: Mapping[str, Any]) -> None:
        """A message of a page; actions are done on this thread, so that they may take their time."""
        view, what = str(message.get("view", "")), message.get("do")
        if what in {"cancel", "rerun"}:
            text = self._act(view, str(what), str(message.get("job", "")))
            self._call(lambda: self._tell(view, text))
        else:
            self._call(lambda: self._hear(view, what, message))

    def _act(self, view: str, what: str, job: str) -> str:
        """Answers what went wrong; empty when nothing did."""
        feed = self._feeds.get(view)
        if feed is None:
            return "this view is of an earlier time"
        try:
            feed.act(what, job)
        except BrignbError as error:
            return str(error)
        return ""

    def _attach(self, view: str, feed: Feed) -> None:
        self._feeds[view] = feed
        self._stir(view)
        self._pulse()

    def _detach(self, view: str) -> None:
        self._feeds.pop(view, None)
        self._said.pop(view, None)
        self._slices.forget(view)

    def _stir(self, view: str) -> None:
        feed = self._feeds.get(view)
        if feed is None:
            return
        self._stirred[view] = None
        stream = feed.follows()
        if stream is not None and feed.running and stream not in self._slices:
            self._slices.follow(view, stream, 0)
        self._wake()

    def _tell(self, view: str, text: str) -> None:
        """An answer to an action, also when all went well: the page waits for one."""
        self._told.append({"view": view, "text": text})
        self._wake()

    def _hear(self, view: str, what: object, message: Mapping[str, Any]) -> None:
        page = str(message.get("page", "?"))
        self._budget.heard()
        self._news_budget.heard()
        self._slices.heard(page)
        if what == "look":
            for each in map(str, message.get("views", ())):
                if each in self._feeds:
                    self._said.pop(each, None)
                    self._stirred[each] = None
                else:
                    self._gone.append(each)
        elif what == "follow" and view in self._feeds:
            self._slices.follow(view, str(message.get("stream")), max(0, int(message.get("from", 0))), page=page)
        elif what == "leave":
            self._slices.leave(str(message.get("stream")), page=page)
        self._wake()

    def _wake(self) -> None:
        if not self._waits:
            self._waits = True
            self._later(max(SOON, self._last + INTERVAL - self._clock()), self._flush)

    def _flush(self) -> None:
        """Send what there is; come back when there may be more."""
        self._waits = False
        self._last = self._clock()
        slices = self._slices.take(lambda view, stream, offset, limit: self._feeds[view].read(stream, offset, limit))
        sizes = [[stream, at, at + count] for stream, at, count, _packed in slices]
        parts = {"views": self._news(), "slices": sizes, "told": self._told, "gone": self._gone}
        self._told, self._gone = [], []
        full = {name: part for name, part in parts.items() if part}
        if full:
            self._send({"now": self._now_ms(), **full}, [packed for _stream, _at, _count, packed in slices])
        if self._slices.waiting or (self._stirred and not self._news_budget.waits_for_word):
            self._wake()

    def _news(self) -> list[dict[str, Any]]:
        """Snapshots that differ from what was said last; what is too much now is said later, as it is by then."""
        news = []
        for view in tuple(self._stirred):
            if not self._news_budget.open:
                break
            del self._stirred[view]
            feed = self._feeds.get(view)
            if feed is None:
                continue
            snapshot = {"view": view, "running": feed.running, **feed.snapshot()}
            said = json.dumps(snapshot)
            if self._said.get(view) != said:
                self._said[view] = said
                self._news_budget.spend(len(said))
                news.append(snapshot)
        return news

    def _pulse(self) -> None:
        """While something runs, pages hear of this kernel, so that they know when it is gone."""
        if not self._pulses and any(feed.running for feed in self._feeds.values()):
            self._pulses = True
            self._later(PULSE, self._beat)

    def _beat(self) -> None:
        self._pulses = False
        if self._clock() - self._last >= PULSE:
            self._last = self._clock()
            self._send({"now": self._now_ms()}, [])
        self._pulse()
