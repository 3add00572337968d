"""Calling a handler: what it wants by name, in a scope of its own, so that nothing it started outlives it."""

from __future__ import annotations

import inspect
from typing import Any

from brignb.model.events import Event
from brignb.script.handlers import Handler
from brignb.script.scope import Scope


async def run_handler(handler: Handler, event: Event, project: object) -> Any:
    """Call it, await what it answers, wait for what it left running.

    A plain handler is called here and now, on the caller's loop and thread: its own `.wait()` may block both, since jobs live on a
    loop of their own.

    Raises:
        Exception: What the handler raised; else the first failure of what it started that nobody handled.
    """
    async with Scope():
        result = handler(event, project)
        return await result if inspect.isawaitable(result) else result
