"""Where displays are made and when they are updated: without IPython, by a screen that remembers."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import pytest

from brignb import Group, Job
from brignb.widgets.cells import Cell
from brignb.widgets.live import HINT, LiveView
from brignb.widgets.static import StaticView


class Paper:
    """A screen: what stands on it, by display."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.now: dict[str, str] = {}
        self.updates = 0

    def show(self, bundle: dict[str, str], name: str) -> None:
        self.shown.append(name)
        self.now[name] = bundle["text/plain"]

    def update(self, bundle: dict[str, str], name: str) -> None:
        self.updates += 1
        self.now[name] = bundle["text/plain"]


class Where:
    """Which cell runs: whatever the test says."""

    key = "1"

    def here(self) -> Cell:
        return Cell(self.key)


class Board:
    """A switchboard that remembers."""

    def __init__(self) -> None:
        self.feeds: dict[str, Any] = {}
        self.stirred: list[str] = []
        self.grown: list[str] = []

    def attach(self, view, feed) -> None:
        self.feeds[view] = feed

    def detach(self, view) -> None:
        del self.feeds[view]

    def stir(self, view) -> None:
        self.stirred.append(view)

    def grew(self, stream) -> None:
        self.grown.append(stream)


def job(name: str = "x", task: str = "true") -> Job:
    return Job(name, tasks=task, use_source=False)


@pytest.fixture
def paper() -> Paper:
    return Paper()


@pytest.fixture
def static(session, paper) -> StaticView:
    session.view = StaticView(Where(), screen=paper)
    return session.view


@pytest.fixture
def live(session, paper):
    board = Board()
    session.view = LiveView(Where(), lambda: board)
    session.view._screen = paper
    session.progressed = session.view.grew
    return session.view, board


def test_once_and_in_place(static, paper) -> None:
    """Displayed by `run()`, updated at each state; as a last expression nothing more, in another cell once more."""
    handle = job().run().wait()
    handle._ipython_display_()
    assert paper.shown == [handle.first_id]
    assert "succeeded" in paper.now[handle.first_id]
    Where.key = "2"
    try:
        handle._ipython_display_()
        handle._ipython_display_()
    finally:
        Where.key = "1"
    assert paper.shown == [handle.first_id] * 2


def test_a_group_is_one_display(static, paper) -> None:
    """Its jobs and groups stand in it; what is seen at the end is the end, however fast it came."""
    bad = job("bad", "exit 3")
    group = Group.sequence(job("good"), Group.concurrent(bad, job("beside")), job("never"))
    handle = group.run()
    with pytest.raises(Exception, match="exit code 3"):
        handle.wait()
    assert paper.shown == [handle.id]
    assert paper.now[handle.id].startswith("✗ failed")
    group._ipython_display_()
    assert paper.shown == [handle.id]
    bad.last._ipython_display_()  # a job of it, asked for by itself
    assert paper.shown == [handle.id, bad.last.first_id]


def test_old_views_are_let_go(static, monkeypatch) -> None:
    """A kernel may live for weeks."""
    monkeypatch.setattr("brignb.widgets.static.VIEWS_MAX", 3)
    first = job().run().wait()
    for _ in range(3):
        job().run().wait()
    assert len(static._showings) == 3
    assert static._find(first) is None


def test_rerun_stays_in_its_view(live, paper) -> None:
    """The button: no new display, the same feed with another run; the job knows of it."""
    _view, board = live
    task = job(task="exit 3")
    task.fallible = True
    first = task.run().wait()
    board.feeds[first.first_id].act("rerun", "")
    second = task.last.wait()
    assert second is not first
    assert paper.shown == [first.first_id]
    snapshot = board.feeds[first.first_id].snapshot()
    assert [stream["label"] for stream in snapshot["streams"]] == ["run 1, try 1", "run 2, try 1"]
    assert snapshot["id"] == second.id
    assert board.grown == [] or set(board.grown) <= {first.id, second.id}
    task.run().wait()  # by the author: a view of its own
    assert len(paper.shown) == 2


def test_rerun_of_a_group(live, paper) -> None:
    """The jobs of the second run stand in the second run, not beside it."""
    view, board = live
    handle = Group.concurrent(job("a"), job("b")).run()
    handle.wait()
    feed = board.feeds[handle.id]
    feed.act("rerun", "")
    again = view._showings[handle.id].last
    again.wait()
    assert again is not handle
    assert paper.shown == [handle.id]
    assert [row["label"] for row in feed.snapshot()["rows"]] == ["a", "b"]


def test_logs_of_all_tries_can_be_read(live) -> None:
    """By the ids that the snapshot names, and no others."""
    _view, board = live
    task = Job("x", tasks="echo hello; exit 3", use_source=False, retries=1, retry_delay=0, fallible=True)
    handle = task.run().wait()
    feed = board.feeds[handle.first_id]
    streams = [stream["id"] for stream in feed.snapshot()["streams"]]
    assert len(streams) == 2
    for stream in streams:
        assert b"hello" in feed.read(stream, 0, 1000)
        assert feed.size(stream) == len(feed.read(stream, 0, 1000))
    with pytest.raises(Exception, match="not a log of this job"):
        feed.read("other-01", 0, 1)


def test_cancel_from_the_view(session, live) -> None:
    """One job of a group: the group does with it what groups do."""
    _view, board = live
    running = threading.Semaphore(0)
    session.told = lambda record: running.release() if record.state == "running" else None
    slow = job("slow", "sleep 60")
    handle = Group.concurrent(slow, job("other", "sleep 60")).run()
    for _ in range(2):
        running.acquire()
    feed = board.feeds[handle.id]
    feed.act("cancel", slow.last.id)
    with contextlib.suppress(Exception):
        handle.wait()
    assert [str(each.state) for each in handle.handles] == ["canceled", "canceled"]
    assert feed.snapshot()["can"] == ["rerun"]


def test_without_anywidget(session, paper, capsys) -> None:
    """Static displays and one line that says what there could be; the job runs."""

    def missing():
        raise ImportError("anywidget")

    session.view = LiveView(Where(), missing)
    session.view._screen = paper
    job().run().wait()
    job().run().wait()
    assert capsys.readouterr().out.count(HINT) == 1
    assert len(paper.shown) == 2
