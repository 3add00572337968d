"""Calling a handler: what it wants by name, in a scope of its own, so that nothing it started outlives it.

That holds for jobs, groups and emitted events (`brignb.script.scope`) and for tasks of the handler's own event loop alike.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

from brignb.model.events import Event
from brignb.script.handlers import Handler
from brignb.script.owntasks import own_tasks
from brignb.script.ran import remembering
from brignb.script.scope import Scope


async def run_handler(handler: Handler, event: Event, project: object) -> Any:
    """Call it, await what it answers, wait for what it left running.

    A plain handler is called here and now, on the caller's loop and thread: its own `.wait()` may block both, since jobs live on a
    loop of their own.

    Raises:
        Exception: What the handler raised; else the first failure of what it started that nobody handled.
    """
    __tracebackhide__ = True  # IPython leaves this frame out of an author's traceback
    scope = Scope()
    with remembering(handler, event, scope), own_tasks() as own:
        async with scope:
            try:
                result = handler(event, project)
                if inspect.isawaitable(result):
                    result = await result
            except BaseException:
                await _cancel(set(own))
                raise
            await _finish(own)
            return result


async def _finish(own: set[asyncio.Task[Any]]) -> None:
    """Wait for the tasks that the handler left, and for those that they leave; the first failure ends the others."""
    while left := set(own):
        done, _ = await asyncio.wait(left, return_when=asyncio.FIRST_EXCEPTION)
        failures = [error for task in done if not task.cancelled() and (error := task.exception())]
        if failures:
            await _cancel(set(own))
            raise failures[0]


async def _cancel(left: set[asyncio.Task[Any]]) -> None:
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left)
