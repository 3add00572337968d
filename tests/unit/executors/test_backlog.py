"""Numbers, several readers, and what is kept."""

from __future__ import annotations

import asyncio

import pytest

from brignb.errors import NotFound
from brignb.executors.backlog import FULL, KEPT_LINES, KEPT_WEIGHT, Backlog
from brignb.model.logs import LogLine


def _lines(begin: int, end: int, width: int = 0) -> list[LogLine]:
    return [LogLine(0, "stdout", f"{number}".rjust(width)) for number in range(begin, end)]


def _nobody() -> None:
    return None


async def _all(backlog: Backlog, after: int = 0) -> list[int]:
    return [int(line.text) async for batch in backlog.follow(after) for line in batch]


async def test_each_reader_is_told_everything_from_its_number_on():
    """Those who wait, those who come late."""
    backlog = Backlog("job", _nobody)
    early = asyncio.create_task(_all(backlog))
    middle = asyncio.create_task(_all(backlog, 150))
    await asyncio.sleep(0)
    for begin in range(0, 300, 100):
        backlog.add(_lines(begin, begin + 100))
        await asyncio.sleep(0)
    backlog.end()
    assert await early == [*range(300)]
    assert await middle == [*range(150, 300)]
    assert await _all(backlog, 250) == [*range(250, 300)]
    assert await _all(backlog, 300) == []


async def test_the_slowest_present_reader_holds_the_writer_up():
    """And lets it go on by reading, or by leaving."""
    drained: list[bool] = []
    backlog = Backlog("job", lambda: drained.append(True))
    fast, slow = backlog.follow(), backlog.follow()
    backlog.add(_lines(0, 10))
    await anext(fast)
    await anext(slow)
    backlog.add(_lines(10, 20, width=FULL // 10))
    assert backlog.full
    await anext(fast)
    waiting = asyncio.create_task(anext(fast))
    await asyncio.sleep(0)
    assert backlog.full, "the slow one was not told"
    await slow.aclose()
    assert not backlog.full
    assert drained
    waiting.cancel()


async def test_a_batch_counts_as_told_when_the_next_is_asked_for():
    """A reader that breaks off in its middle can ask for all of it again."""
    backlog = Backlog("job", _nobody)
    backlog.add(_lines(0, 5 * KEPT_LINES))
    reader = backlog.follow()
    await anext(reader)
    await reader.aclose()
    backlog.end()
    assert await _all(backlog) == [*range(5 * KEPT_LINES)]


async def test_old_lines_are_forgotten_and_asking_for_them_is_an_error():
    """Rather than a gap in silence."""
    backlog = Backlog("job", _nobody)
    reader = asyncio.create_task(_all(backlog))
    for begin in range(0, 20_000, 500):
        backlog.add(_lines(begin, begin + 500))
        await asyncio.sleep(0)
    backlog.end()
    assert len(await reader) == 20_000
    assert len(backlog._lines) < 4 * KEPT_LINES
    assert await _all(backlog, 20_000 - KEPT_LINES) == [*range(20_000 - KEPT_LINES, 20_000)]
    with pytest.raises(NotFound):
        await _all(backlog, 0)


async def test_what_is_kept_is_bounded_in_weight_too():
    """A thousand lines of a megabyte would be a gigabyte."""
    backlog = Backlog("job", _nobody)
    reader = asyncio.create_task(_all(backlog))
    for number in range(40):
        backlog.add(_lines(number, number + 1, width=KEPT_WEIGHT // 4))
        await asyncio.sleep(0)
    backlog.end()
    assert await reader == [*range(40)]
    assert len(backlog._lines) <= 9
