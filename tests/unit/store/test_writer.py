"""The group-commit writer by itself: who is committed with whom, and who hears what."""

from __future__ import annotations

import asyncio
import threading

import pytest
from sqlalchemy import create_engine, event, text

from brignb.errors import Conflict, Unavailable
from brignb.store.writer import GROUP, Writer


@pytest.fixture
def engine(database):
    from sqlalchemy import make_url

    from brignb.store.sqlite import SQLite

    engine = SQLite(make_url(f"sqlite:///{database}"), wait_ms=50).writing()
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (n INTEGER PRIMARY KEY)"))
    yield engine
    engine.dispose()


@pytest.fixture
def commits(engine):
    """Counts transactions."""
    seen = []
    event.listen(engine, "commit", lambda _connection: seen.append(1))
    return seen


@pytest.fixture
async def writer(engine):
    writer = Writer(engine, where="db")
    writer.start()
    yield writer
    await writer.close()


def put(n):
    return lambda connection: connection.execute(text(f"INSERT INTO t VALUES ({n})")).rowcount


def rows(database):
    engine = create_engine(f"sqlite:///{database}")
    with engine.connect() as connection:
        found = list(connection.scalars(text("SELECT n FROM t ORDER BY n")))
    engine.dispose()
    return found


class Gate:
    """An operation that holds the writer until it is opened, so that what comes meanwhile makes one group."""

    def __init__(self):
        self.reached, self.opened = threading.Event(), threading.Event()

    def __call__(self, _connection):
        self.reached.set()
        assert self.opened.wait(10)


async def held(writer):
    gate = Gate()
    answer = writer.run(gate)
    await asyncio.to_thread(gate.reached.wait, 10)
    return gate, answer


async def test_what_is_asked_for_in_one_turn_is_one_transaction(writer, commits, database):
    answers = await asyncio.gather(*(writer.run(put(n)) for n in range(100)))
    assert answers == [1] * 100
    assert len(commits) == 1
    assert rows(database) == list(range(100))


async def test_what_comes_during_a_commit_is_the_next_group(writer, commits):
    """From several turns of the loop: groups grow as the disk gets slower."""
    gate, first = await held(writer)
    others = []
    for n in range(10):
        others.append(writer.run(put(n)))
        await asyncio.sleep(0)
    gate.opened.set()
    await asyncio.gather(first, *others)
    assert len(commits) == 2


@pytest.mark.slow
async def test_groups_are_bounded(writer, commits):
    """Else the first of ten thousand waits for the last."""
    await asyncio.gather(*(writer.run(put(n)) for n in range(10 * GROUP)))
    assert len(commits) >= 5


async def test_operations_happen_in_their_order(writer):
    """Also those that are gathered: a batch never overtakes what was asked for before it."""
    seen = []

    def batch(_connection, items):
        seen.append(list(items))
        return items

    await asyncio.gather(
        writer.join(batch, 1),
        writer.join(batch, 2),
        writer.run(lambda _connection: seen.append("alone")),
        writer.join(batch, 3),
    )
    assert seen == [[1, 2], "alone", [3]]


async def test_one_that_fails_fails_alone(writer, database, commits):
    """Its own statements are undone too, the others' are kept, in the same commit."""

    def half(connection):
        put(1000)(connection)
        raise Conflict("on purpose")

    calls = [writer.run(put(n)) for n in range(10)]
    calls[5:5] = [writer.run(half), writer.run(put(0)), writer.run(lambda _connection: 1 / 0)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    bad = [type(answer) for answer in answers if isinstance(answer, Exception)]
    assert bad == [Conflict, Conflict, ZeroDivisionError], "ours, a broken key's, and a bug's as it is"
    assert rows(database) == list(range(10))
    assert len(commits) == 1


async def test_no_answer_before_the_commit(writer, engine):
    """The answer of an operation is not there while its transaction is open."""
    answer = None
    seen = []
    event.listen(engine, "commit", lambda _connection: seen.append(answer.done()))
    answer = writer.run(put(1))
    await answer
    assert seen == [False]


async def test_a_commit_that_fails_is_everybodys_failure(writer, engine, database):
    def fail(_connection):
        raise OSError("the disk has gone")

    event.listen(engine, "commit", fail)
    answers = await asyncio.gather(*(writer.run(put(n)) for n in range(3)), return_exceptions=True)
    assert [str(answer) for answer in answers] == ["the disk has gone"] * 3
    event.remove(engine, "commit", fail)
    assert rows(database) == []
    assert await writer.run(put(7)) == 1


async def test_a_caller_who_went_away_harms_nobody(writer, database):
    """His operation was under way; the others hear of theirs."""
    gate, first = await held(writer)
    gone, there = writer.run(put(1)), writer.run(put(2))
    await asyncio.sleep(0)
    gone.cancel()
    gate.opened.set()
    await first
    assert await there == 1
    assert rows(database) == [1, 2]


async def test_the_loop_runs_on_while_the_writer_waits(writer):
    """Nothing of the writer's work is done on the event loop."""
    gate, first = await held(writer)
    turns = 0
    while turns < 1000:
        await asyncio.sleep(0)
        turns += 1
    assert not first.done()
    gate.opened.set()
    await first


async def test_closing_finishes_and_then_refuses(writer, database):
    calls = [writer.run(put(n)) for n in range(3 * GROUP)]
    await writer.close()
    assert len(rows(database)) == 3 * GROUP
    assert await asyncio.gather(*calls) == [1] * (3 * GROUP)
    with pytest.raises(Unavailable, match="closed"):
        writer.run(put(1))


def test_a_loop_that_ended_stops_the_writer(engine):
    """A program that forgets to close leaves no thread that waits for ever on its queue."""
    held_gate = Gate()

    async def forget():
        writer = Writer(engine, where="db")
        writer.start()
        writer.run(held_gate)
        await asyncio.to_thread(held_gate.reached.wait, 10)
        return writer._thread

    thread = asyncio.run(forget())
    held_gate.opened.set()
    thread.join(10)
    assert not thread.is_alive()
