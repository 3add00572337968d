"""Waiting for what a click began."""

from __future__ import annotations

import asyncio

import ipywidgets as widgets


async def enabled(button: widgets.Button) -> None:
    """Until it can be clicked again."""
    done = asyncio.Event()
    button.observe(lambda change: None if change.new else done.set(), "disabled")
    if button.disabled:
        await asyncio.wait_for(done.wait(), 10)
