"""A handler's own tasks: waited for; those of whoever else uses the loop are not."""

from __future__ import annotations

import asyncio
import contextvars

import pytest

from brignb import events
from brignb.script.owntasks import own_tasks


async def test_tasks_of_others_are_not_waited_for(session) -> None:
    """A kernel begins a task for each message of a widget, which waits for the cell: waiting for it hung for ever."""
    over = asyncio.Event()
    others: list[asyncio.Task] = []

    @events.on("push")
    async def handler() -> None:
        elsewhere = contextvars.Context()
        others.append(elsewhere.run(asyncio.get_running_loop().create_task, over.wait()))

    await asyncio.wait_for(_fire(), 10)
    assert not others[0].done()
    over.set()
    await others[0]


async def test_own_tasks_and_theirs_are_waited_for(session) -> None:
    """Structured concurrency: what a handler leaves running is its own."""
    done: list[str] = []

    async def grandchild() -> None:
        await asyncio.sleep(0.01)
        done.append("grandchild")

    async def child() -> None:
        asyncio.get_running_loop().create_task(grandchild()).add_done_callback(lambda _task: None)
        done.append("child")

    @events.on("push")
    async def handler() -> None:
        asyncio.get_running_loop().create_task(child()).add_done_callback(lambda _task: None)

    await _fire()
    assert done == ["child", "grandchild"]


async def test_somebody_elses_factory_still_makes_the_tasks() -> None:
    """The loop is the kernel's, and so may its task factory be."""
    made: list[str] = []

    def factory(loop, coro, **more):
        made.append(coro.__name__)
        return asyncio.Task(coro, loop=loop, **more)

    loop = asyncio.get_running_loop()
    loop.set_task_factory(factory)

    async def work() -> None: ...

    with own_tasks() as own:
        task = asyncio.create_task(work())
        assert own == {task}
        await task
    assert made == ["work"]
    assert own == set()
    await asyncio.create_task(work())
    assert own == set()


async def test_families_are_nested() -> None:
    """A handler that fires an event answers for what that one's handlers leave, too."""

    async def work() -> None: ...

    with own_tasks() as outer:
        with own_tasks() as inner:
            task = asyncio.create_task(work())
            assert inner == outer == {task}
        await task


async def _fire() -> None:
    await events.fire("push")


@pytest.fixture(autouse=True)
async def _restored():
    yield
    asyncio.get_running_loop().set_task_factory(None)
