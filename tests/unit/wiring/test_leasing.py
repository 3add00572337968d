"""What ends the lease of a build that runs away from its server, and what does not."""

from __future__ import annotations

import threading

import pytest

from brignb.errors import Conflict, Down, Unavailable, Unreachable
from brignb.wiring.leasing import Lease

EVERY, SECONDS, LONG = 0.002, 0.02, 60
"""Far more renewals than a lease has room for happen in `LONG` of them."""


def renewed(answers, **more):
    """A lease whose renewals answer in turn, the last one for ever; and how often it was asked."""
    asked = []

    def renew():
        answer = answers[min(len(asked), len(answers) - 1)]
        asked.append(answer)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return Lease(renew, seconds=SECONDS, every=EVERY, **more), asked


@pytest.mark.parametrize("error", [Down("nobody listens"), Unavailable("the database is away")])
def test_a_server_that_is_away_ends_no_lease(error) -> None:
    """Nobody can have given the build away meanwhile; what the server says then counts."""
    lease, asked = renewed([error] * LONG + [Conflict("over")], spared=(Down, Unavailable), patience=LONG)
    assert lease.lost.wait(30)
    assert len(asked) == LONG + 1


def test_a_server_that_does_not_come_back_does() -> None:
    """A worker must not wait for ever for who has given up everything."""
    lease, _asked = renewed([Down("nobody listens")], spared=(Down,), patience=SECONDS)
    assert lease.lost.wait(30)


@pytest.mark.parametrize("error", [Unreachable("it does not answer in time"), Down("nobody listens")])
def test_silence_ends_it(error) -> None:
    """A notebook's lease is in its server's memory: there a server that is down ends it, too."""
    told = threading.Event()
    lease, asked = renewed([False, error])
    lease.watch(lambda why: told.set() if why == "lost" else None)
    assert lease.lost.wait(30)
    assert told.wait(30)
    assert len(asked) > 2, "one word that is not answered is no end"


def test_who_watches_hears_each_wish_once(monkeypatch) -> None:
    """And again, if it watches again: a build that was canceled may be lost yet."""
    heard: list[str] = []
    again = threading.Event()
    lease, _asked = renewed([True])

    def hear(why: str) -> None:
        heard.append(why)
        if len(heard) < 3:
            lease.watch(hear)
        else:
            again.set()

    lease.watch(hear)
    assert again.wait(30)
    lease.lose()
    assert heard == ["canceled"] * 3
    lease.close()
