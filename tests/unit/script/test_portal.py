"""The job loop: one thread, any caller."""

from __future__ import annotations

import asyncio
import contextvars
import os
import subprocess
import sys
import threading

import pytest

from brignb.errors import BrignbError
from brignb.script import portal


async def _thread() -> int:
    return threading.get_ident()


def test_one_thread_for_everybody() -> None:
    """Executors need all their coroutines on one loop, whoever calls."""
    seen = {portal.submit(_thread()).result() for _ in range(3)}
    others: list[int] = []
    worker = threading.Thread(target=lambda: others.append(portal.submit(_thread()).result()))
    worker.start()
    worker.join()
    assert seen == set(others)
    assert threading.get_ident() not in seen


async def test_works_under_a_running_loop() -> None:
    """A notebook's cell runs under a loop; blocking it must not block jobs."""
    assert portal.submit(_thread()).result(timeout=5) != threading.get_ident()


def test_caller_s_context_comes_along() -> None:
    """Scopes are context variables: what a job's coroutine starts must find the caller's."""
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    variable.set("the caller's")

    async def read() -> tuple[str, str]:
        return variable.get(), await portal.in_thread(variable.get)

    assert portal.submit(read()).result() == ("the caller's", "the caller's")


def test_blocking_it_is_refused() -> None:
    """Waiting for a job on the loop that runs it would wait for ever."""

    async def wait() -> None:
        portal.refuse_inside("wait()")

    with pytest.raises(BrignbError, match="job loop"):
        portal.submit(wait()).result()


def test_thread_s_failure_reaches_who_waits() -> None:
    """A step that raises must not vanish with its thread."""

    def fail() -> None:
        raise ValueError("here")

    with pytest.raises(ValueError, match="here"):
        portal.submit(portal.in_thread(fail)).result()


def test_forked_child_has_a_loop_of_its_own() -> None:
    """Threads do not survive a fork; a loop without its thread would hang the child."""
    portal.submit(_thread()).result()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            answer = portal.submit(asyncio.sleep(0, "alive")).result(timeout=5)
            os.write(write, answer.encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        assert pipe.read() == "alive"
    os.waitpid(child, 0)


_CELL = """
import asyncio, os, signal, threading, time
from brignb import Job

async def main():
    task = asyncio.create_task(cell())
    signal.signal(signal.SIGINT, lambda *_: task.cancel())
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    began = time.monotonic()
    try:
        await task
    except asyncio.CancelledError:
        print("canceled", time.monotonic() - began < 10)

async def cell():
    await Job("long", tasks="sleep 30").run()

loop = asyncio.new_event_loop()
loop.run_until_complete(main())
loop.close()
"""


@pytest.mark.slow
def test_an_interrupt_cancels_what_a_cell_awaits(tmp_path) -> None:
    """As ipykernel does it: a plain signal handler cancels the cell's task, and nothing else would wake the loop."""
    done = subprocess.run(
        [sys.executable, "-c", _CELL], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "canceled True\n"
