"""Running a coroutine to its end on this thread, even where an event loop runs already: a plain call in a notebook's cell.

The cell's loop waits meanwhile, as it does for any call that takes its time; user code runs on the thread on which interrupts come and
debuggers stop. The loop that runs is lent aside by the functions that asyncio documents for whoever writes event loops ("Extending").
"""

from __future__ import annotations

import asyncio
from asyncio.tasks import _enter_task, _leave_task  # documented, in spite of their names
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")


def run_here(coroutine: Coroutine[Any, Any, T]) -> T:
    """Its result.

    Raises:
        KeyboardInterrupt: One came while it waited; it was cancelled first, and has ended.
    """
    with _lent():
        loop = asyncio.new_event_loop()
        try:
            return _completed(loop, coroutine)
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()


@contextmanager
def _lent() -> Iterator[None]:
    """The thread is without its running loop, and has it back afterwards."""
    outer = asyncio._get_running_loop()  # noqa: SLF001 - `get_running_loop` raises where there is none
    task = asyncio.current_task(outer) if outer is not None else None
    if outer is not None and task is not None:
        _leave_task(outer, task)
    asyncio._set_running_loop(None)  # noqa: SLF001 - documented
    try:
        yield
    finally:
        asyncio._set_running_loop(outer)  # noqa: SLF001 - the same
        if outer is not None and task is not None:
            _enter_task(outer, task)


def _completed(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, T]) -> T:
    task = loop.create_task(coroutine)
    try:
        return loop.run_until_complete(task)
    except KeyboardInterrupt:
        if not task.done():
            task.cancel()
            loop.run_until_complete(asyncio.wait({task}))
        if not task.cancelled():
            task.exception()  # it is known; asyncio need not say that nobody asked
        raise
