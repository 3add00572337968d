"""What goes to the browser, when, and how much of it: without a browser, with a clock that is turned by hand."""

from __future__ import annotations

import os
import zlib
from typing import Any

import pytest

from brignb.errors import BadInput
from brignb.widgets.slices import RATE, SLICE
from brignb.widgets.switchboard import INTERVAL, NEWS_RATE, PULSE, Switchboard


class FakeFeed:
    """A job with one log."""

    def __init__(self, log: bytes = b"") -> None:
        self.log = log
        self.state = "running"
        self.acts: list[tuple[str, str]] = []

    @property
    def running(self) -> bool:
        return self.state == "running"

    def snapshot(self) -> dict[str, Any]:
        return {"kind": "job", "state": self.state}

    def follows(self) -> str | None:
        return "a-1"

    def read(self, stream: str, offset: int, limit: int) -> bytes:
        return self.log[offset : offset + limit]

    def size(self, stream: str) -> int:
        return len(self.log)

    def act(self, what: str, job: str) -> None:
        if what == "rerun":
            raise BadInput("not now", where="here")
        self.acts.append((what, job))


class Desk:
    """A switchboard, its clock, and what it has sent."""

    def __init__(self) -> None:
        self.now = 0.0
        self.due: list[tuple[float, Any]] = []
        self.sent: list[tuple[float, dict[str, Any], list[bytes]]] = []
        self.board = Switchboard(
            lambda message, buffers: self.sent.append((self.now, message, buffers)),
            call=lambda function: function(),
            later=lambda seconds, function: self.due.append((self.now + seconds, function)),
            clock=lambda: self.now,
            now_ms=lambda: round(self.now * 1000),
        )

    def pass_by(self, seconds: float) -> None:
        until = self.now + seconds
        while self.due and min(at for at, _function in self.due) <= until:
            at, function = min(self.due, key=lambda each: each[0])
            self.due.remove((at, function))
            self.now = max(self.now, at)
            function()
        self.now = until

    def log(self) -> bytes:
        """What a page that was there all the time has read."""
        read = b""
        for _at, message, buffers in self.sent:
            for (_stream, at, _size), packed in zip(message.get("slices", []), buffers, strict=True):
                data = zlib.decompress(packed)
                if at <= len(read):
                    read += data[len(read) - at :]
        return read

    def packed(self) -> int:
        return sum(len(buffer) for _at, _message, buffers in self.sent for buffer in buffers)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_job_is_shown_with_its_log_before_anybody_asks(desk) -> None:
    """A kernel whose main thread is busy reads nothing: what it starts must be seen all the same."""
    desk.board.attach("v", FakeFeed(b"hello\n"))
    desk.pass_by(1)
    assert desk.sent[0][1]["views"] == [{"view": "v", "running": True, "kind": "job", "state": "running"}]
    assert desk.log() == b"hello\n"


def test_many_lines_are_few_messages(desk) -> None:
    """1,000 lines a second, one at a time: ten messages, nothing twice."""
    feed = FakeFeed()
    desk.board.attach("v", feed)
    for number in range(1000):
        feed.log += b"line %d\n" % number
        desk.board.grew("a-1")
        desk.pass_by(0.001)
    desk.pass_by(1)
    assert desk.log() == feed.log
    assert len(desk.sent) <= 1 / INTERVAL + 3


def test_news_is_what_is_new(desk) -> None:
    """The same state is not said again."""
    feed = FakeFeed()
    desk.board.attach("v", feed)
    desk.pass_by(1)
    desk.board.stir("v")
    desk.pass_by(1)
    assert len(desk.sent) == 1
    feed.state = "failed"
    desk.board.stir("v")
    desk.pass_by(1)
    assert desk.sent[-1][1]["views"][0]["state"] == "failed"


def test_the_budget_holds_and_nothing_is_lost(desk) -> None:
    """Jupyter's server drops messages above its limit: a flood is spread over time."""
    feed = FakeFeed(os.urandom(3_000_000))
    desk.board.attach("v", feed)
    desk.pass_by(3)
    assert desk.packed() <= 4 * RATE + 2 * SLICE
    desk.board.hear({"do": "hear", "page": "p"})
    desk.pass_by(10)
    assert desk.log() == feed.log


def test_large_news_are_spread_too(desk) -> None:
    """A group of 200 jobs is 0.1 MB, and changes with each of them: what is dropped for it may be the state that stays."""

    class Group(FakeFeed):
        def snapshot(self) -> dict[str, Any]:
            return {"kind": "group", "state": self.state, "rows": "x" * 100_000}

    feed = Group()
    desk.board.attach("v", feed)
    for number in range(100):
        feed.state = f"running, {number} ended" if number < 99 else "succeeded"
        desk.board.stir("v")
        desk.pass_by(0.05)
    desk.pass_by(5)
    news = [view for _at, message, _buffers in desk.sent for view in message.get("views", [])]
    assert len(news) * 100_000 <= NEWS_RATE * 7
    assert news[-1]["state"] == "succeeded"
    assert not desk.due, "no wheel turns idly"


def test_nobody_there(desk, monkeypatch) -> None:
    """A closed laptop: Jupyter's server would keep every byte for it in memory."""
    monkeypatch.setattr("brignb.widgets.slices.UNHEARD_MAX", 1_000_000)
    feed = FakeFeed(os.urandom(3_000_000))
    desk.board.attach("v", feed)
    desk.pass_by(120)
    assert desk.packed() < 1_000_000 + 2 * SLICE
    assert desk.due == [] or len(desk.due) == 1  # the pulse; no wheel turns idly
    desk.board.hear({"do": "hear", "page": "p"})
    for _ in range(3):
        desk.board.hear({"do": "hear", "page": "p"})
        desk.pass_by(5)
    assert len(desk.log()) == len(feed.log)


def test_a_page_that_missed_something_asks_for_it(desk) -> None:
    """By its offset; a page that has it already leaves it out (`Desk.log` does)."""
    feed = FakeFeed(b"one\ntwo\n")
    desk.board.attach("v", feed)
    desk.pass_by(1)
    desk.board.hear({"do": "follow", "page": "late", "view": "v", "stream": "a-1", "from": 4})
    desk.pass_by(1)
    assert desk.sent[-1][1]["slices"] == [["a-1", 4, 8]]
    assert desk.log() == feed.log


def test_out_of_sight_is_not_sent(desk) -> None:
    """Fifty jobs, two in sight: two logs. One page that leaves does not take it from another."""
    feed = FakeFeed(b"one\n")
    desk.board.attach("v", feed)
    for page in ("p", "q"):
        desk.board.hear({"do": "follow", "page": page, "view": "v", "stream": "a-1", "from": 0})
    desk.board.hear({"do": "leave", "page": "p", "stream": "a-1"})
    desk.pass_by(1)
    feed.log += b"two\n"
    desk.board.grew("a-1")
    desk.pass_by(1)
    assert desk.log() == feed.log
    desk.board.hear({"do": "leave", "page": "q", "stream": "a-1"})
    feed.log += b"three\n"
    desk.board.grew("a-1")
    desk.pass_by(1)
    assert b"three" not in desk.log()


def test_look_answers_what_is_there_and_what_is_not(desk) -> None:
    """After a page was loaded again; a notebook may hold places of an earlier kernel."""
    desk.board.attach("v", FakeFeed())
    desk.pass_by(1)
    desk.board.hear({"do": "look", "page": "p", "views": ["v", "old"]})
    desk.pass_by(1)
    assert [view["view"] for view in desk.sent[-1][1]["views"]] == ["v"]
    assert desk.sent[-1][1]["gone"] == ["old"]


def test_actions_are_done_and_answered(desk) -> None:
    """A button that did nothing must say why."""
    feed = FakeFeed()
    desk.board.attach("v", feed)
    for message in ({"do": "cancel", "job": "a-1"}, {"do": "rerun"}):
        desk.board.hear({"page": "p", "view": "v", **message})
    desk.board.hear({"do": "cancel", "page": "p", "view": "old"})
    desk.pass_by(1)
    assert feed.acts == [("cancel", "a-1")]
    assert [said["text"] for said in desk.sent[-1][1]["told"]] == [
        "",
        "here: not now",
        "this view is of an earlier time",
    ]


def test_a_running_kernel_is_heard_of(desk) -> None:
    """So that a page knows when it is gone; a kernel without jobs says nothing."""
    feed = FakeFeed()
    desk.board.attach("v", feed)
    desk.pass_by(60)
    assert len(desk.sent) >= 60 / PULSE / 2
    feed.state = "succeeded"
    desk.pass_by(PULSE)
    before = len(desk.sent)
    desk.pass_by(60)
    assert len(desk.sent) == before
