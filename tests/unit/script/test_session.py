"""The session: made once, on first use, where no worker entered one."""

from __future__ import annotations

import threading

import pytest

from brignb.script import providing
from brignb.script import session as sessions


@pytest.fixture
def nothing_entered(session):
    """As in a plain script, with another way to make one."""
    before = providing.provided()
    sessions.enter(None)
    yield session
    providing.provide(before)


def test_made_once_for_all_threads(nothing_entered) -> None:
    """Two sessions would be two builds, two work folders, two counts of runs."""
    made = []

    def make():
        made.append(1)
        return nothing_entered

    providing.provide(make)
    threads = [threading.Thread(target=sessions.current) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sessions.current() is nothing_entered
    assert made == [1]


def test_runs_are_counted_by_name(session) -> None:
    """The contract's "how-manyth `run()` of that name in this attempt"."""
    assert [session.next_run(name) for name in ("a", "a", "b", "a")] == [1, 2, 1, 3]


def test_source_is_asked_one_at_a_time(session) -> None:
    """A copy of the author's files cannot be brought up to date twice at once."""
    inside, most = [], []

    def source() -> str:
        inside.append(1)
        most.append(len(inside))
        threading.Event().wait(0.01)
        inside.pop()
        return "/"

    session.source = source
    threads = [threading.Thread(target=session.source_folder) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1, 1]
