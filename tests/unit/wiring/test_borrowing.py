"""Waiting for a coroutine in plain code, where an event loop runs and where none does."""

import asyncio
import os
import signal
import threading

import pytest

from brignb.wiring.borrowing import run_here


async def answer():
    await asyncio.sleep(0)
    return threading.current_thread(), asyncio.current_task()


def test_without_a_loop():
    assert run_here(answer())[0] is threading.current_thread()


async def test_under_a_running_loop_and_on_its_thread():
    """Debuggers stop and interrupts come on the thread of the cell; afterwards the cell's own task goes on as before."""
    ours, loop = asyncio.current_task(), asyncio.get_running_loop()
    thread, task = run_here(answer())
    assert (thread, task is ours) == (threading.current_thread(), False)
    assert (asyncio.current_task(), asyncio.get_running_loop()) == (ours, loop)
    await asyncio.sleep(0)


async def test_errors_come_out():
    async def fail():
        raise LookupError("here")

    with pytest.raises(LookupError, match="here"):
        run_here(fail())
    await asyncio.sleep(0)


def test_an_interrupt_cancels_first():
    """What it waits for has ended, with all that its `finally` does, when the interrupt is raised."""
    told = []

    async def wait():
        try:
            asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGINT)
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            told.append("tidied up")

    with pytest.raises(KeyboardInterrupt):
        run_here(wait())
    assert told == ["tidied up"]
