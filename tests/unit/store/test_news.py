"""Nobody who waits for news sleeps through a ring."""

import asyncio

from brignb.store.news import News


async def test_a_ring_between_looking_and_waiting_is_not_missed():
    news = News()
    seen = news.seen("B")
    news.ring("B")
    await asyncio.wait_for(news.wait("B", seen), 1)


async def test_every_waiter_hears_of_it():
    news = News()
    waiters = [asyncio.create_task(news.wait("B", news.seen("B"))) for _ in range(100)]
    await asyncio.sleep(0)
    news.ring("B")
    await asyncio.wait_for(asyncio.gather(*waiters), 1)


async def test_what_has_ended_is_forgotten_after_a_last_ring():
    news = News()
    waiter = asyncio.create_task(news.wait("B", news.seen("B")))
    await asyncio.sleep(0)
    news.forget("B")
    await asyncio.wait_for(waiter, 1)
    assert news.seen("B") == 0
