"""News of builds: no ring falls between two looks, and nothing piles up."""

from __future__ import annotations

import asyncio

import pytest

from brignb.store.news import News


async def test_a_ring_before_the_wait_counts():
    """What happens between looking and waiting must not be slept through."""
    news = News()
    seen = news.seen("b")
    news.ring("b")
    await asyncio.wait_for(news.wait("b", seen), 1)


async def test_a_ring_wakes_all_who_wait_for_that_build():
    news = News()
    waiting = [asyncio.create_task(news.wait("b", 0)) for _ in range(3)]
    other = asyncio.create_task(news.wait("c", 0))
    await asyncio.sleep(0)
    news.ring("b")
    await asyncio.gather(*waiting)
    assert not other.done()
    other.cancel()
    with pytest.raises(asyncio.CancelledError):
        await other


async def test_the_end_wakes_and_leaves_nothing():
    """Thousands of builds end in a server's life."""
    news = News()
    waiting = asyncio.create_task(news.wait("b", 0))
    late = asyncio.create_task(news.wait("c", 0))
    await asyncio.sleep(0)
    news.forget("b")
    await waiting
    late.cancel()
    await asyncio.gather(late, return_exceptions=True)
    assert not news._latest
    assert not news._waiting


async def test_who_looked_before_a_whole_build_came_and_went_looks_again():
    """The number it saw never comes again, so it cannot wait for news that is past."""
    news = News()
    seen = news.seen("b")
    news.ring("b")
    news.forget("b")
    await asyncio.wait_for(news.wait("b", seen), 1)
