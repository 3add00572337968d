"""Interrupt in a terminal's IPython: what a cell awaits is cancelled, as ipykernel does it in Jupyter.

IPython's own runner lets Ctrl-C out of the event loop and leaves the cell's task in it. The job would go on, and `%brig listen` would
take the next event as soon as another cell awaits something.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from IPython.core.async_helpers import get_asyncio_loop
from IPython.core.interactiveshell import InteractiveShell

T = TypeVar("T")


def heed_interrupts(shell: InteractiveShell) -> None:
    """Have a terminal's shell run its awaiting cells by `run`. A kernel does so by itself; another runner is its author's choice."""
    terminal = sys.modules.get("IPython.terminal.interactiveshell")  # not imported for a kernel
    in_terminal = terminal is not None and isinstance(shell, terminal.TerminalInteractiveShell)
    if in_terminal and shell.loop_runner is shell.loop_runner_map["asyncio"][0]:
        shell.loop_runner = run


def forget(shell: InteractiveShell) -> None:
    """Give it back what it had."""
    if shell.loop_runner is run:
        shell.loop_runner = "asyncio"


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Its result; also that of one which an interrupt has ended well.

    Raises:
        CancelledError: An interrupt came while it waited. It has ended.
        KeyboardInterrupt: One came in the cell's own code.
    """
    loop: asyncio.AbstractEventLoop = get_asyncio_loop()
    task = loop.create_task(coroutine)
    with suppress(KeyboardInterrupt):
        return loop.run_until_complete(task)
    task.cancel()  # nothing, where the interrupt has ended it: then that is raised here
    return loop.run_until_complete(task)
