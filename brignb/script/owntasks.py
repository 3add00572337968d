"""Which tasks of an event loop were begun by a piece of code, and by the tasks that it began.

    with own_tasks() as own:
        …                      # own: those that have not ended

An author's handler shares its loop with others: a kernel's loop begins tasks for every message of a widget, and these wait for the
cell that the handler runs in. So "all tasks that are new" will not do. A task is one's own when it was begun in one's own context.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

Tasks = set[asyncio.Task[Any]]

_families: ContextVar[tuple[Tasks, ...]] = ContextVar("brignb_tasks", default=())


class _Registering:
    """A task factory that notes whose a new task is, and leaves the making of it to the factory that was there before.

    Args:
        inner: That one; None: asyncio's own.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __call__(self, loop: asyncio.AbstractEventLoop, coro: Any, /, **more: Any) -> Any:
        task = self._inner(loop, coro, **more) if self._inner else asyncio.Task(coro, loop=loop, **more)
        for family in _families.get():
            family.add(task)
            task.add_done_callback(family.discard)
        return task


@contextmanager
def own_tasks() -> Iterator[Tasks]:
    """The tasks that are begun within and have not ended; in a coroutine."""
    loop = asyncio.get_running_loop()
    factory = loop.get_task_factory()
    if not isinstance(factory, _Registering):  # which stays: outside of `own_tasks` it does nothing
        loop.set_task_factory(_Registering(factory))
    own: Tasks = set()
    token = _families.set((*_families.get(), own))
    try:
        yield own
    finally:
        families = _families.get()
        if families and families[-1] is own:  # a coroutine that is thrown away may end in another context
            _families.reset(token)
