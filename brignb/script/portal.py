"""The job loop: one background event loop per process, on which everything of executors runs.

The author's code may stand in a plain cell, under a running event loop, in a thread or in a script; jobs do not care, since they
live on a loop of their own, in a daemon thread that is started on first use. The author's code is never run on it, and nothing on it
may block for long: every job's log goes through it.

A forked child has no threads: it gets a loop of its own when it needs one.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import signal
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from brignb.errors import BrignbError

T = TypeVar("T")

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_thread: threading.Thread | None = None
_parents: list[asyncio.AbstractEventLoop | None] = []


def loop() -> asyncio.AbstractEventLoop:
    """The job loop, running."""
    global _loop, _thread  # noqa: PLW0603 - one loop per process is the point
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            _thread = threading.Thread(target=_loop.run_forever, name="brignb-jobs", daemon=True)
            _thread.start()
        return _loop


def running() -> bool:
    """Whether anybody has needed the job loop yet."""
    return _loop is not None


def submit(coroutine: Coroutine[Any, Any, T]) -> Future[T]:
    """Run a coroutine on the job loop, in the caller's context; the future has its result, and cancels it."""
    return asyncio.run_coroutine_threadsafe(coroutine, loop())


def call(function: Callable[[], object]) -> None:
    """Call a function on the job loop, soon."""
    loop().call_soon_threadsafe(function)


async def in_thread(function: Callable[[], T]) -> T:
    """Call what may block, in a thread of its own and in the caller's context, and wait for it.

    Not a pool's thread: what blocks there may itself wait for something that needs one.
    """
    done: Future[T] = Future()
    context = contextvars.copy_context()

    def work() -> None:
        try:
            result = context.run(function)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the caller gets it
            done.set_exception(error)
        else:
            done.set_result(result)

    done.set_running_or_notify_cancel()
    threading.Thread(target=work, name="brignb-step", daemon=True).start()
    return await asyncio.wrap_future(done)


def refuse_inside(what: str) -> None:
    """Blocking the job loop until a job ends would wait for ever.

    Raises:
        BrignbError: This is the job loop's thread.
    """
    if threading.current_thread() is _thread:
        raise BrignbError(f"{what} cannot be called on the job loop", hint="await it")


def heed_interrupts() -> None:
    """Let the loop that awaits here wake when a signal comes; without this, Interrupt does nothing until a job ends.

    ipykernel cancels an awaiting cell from a plain SIGINT handler, which does not wake the loop that must notice. Asyncio listens to
    Python's wakeup descriptor, so to all signals, as soon as it handles one; SIGURG is one that nobody sends.
    """
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGURG) is signal.SIG_DFL:
        asyncio.get_running_loop().add_signal_handler(signal.SIGURG, lambda: None)


def _forget() -> None:
    global _lock, _loop, _thread
    _parents.append(_loop)  # kept, so that nothing tidies up what the parent still uses
    _lock, _loop, _thread = threading.Lock(), None, None


os.register_at_fork(after_in_child=_forget)
