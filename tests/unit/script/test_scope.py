"""Structured concurrency: nothing that a handler starts outlives it, no failure passes unseen."""

from __future__ import annotations

import asyncio
import threading
import types

import pytest

from brignb import Group, Job, JobFailed, events
from brignb.script import portal, scope
from brignb.script.scope import Scope


async def test_what_is_left_running_is_awaited(session) -> None:
    """The reference pipeline never awaits its jobs."""
    async with Scope():
        job = Job("x", tasks="sleep 0.1")
        job.run()
    assert job.state == "succeeded"


async def test_unhandled_failure_fails_the_scope(session) -> None:
    """The first that failed is raised, the others are its notes."""

    async def handler() -> None:
        async with Scope():
            Job("second", tasks=["sleep 0.3", "exit 2"]).run()
            Job("first", tasks="exit 1").run()
            Job("fine", tasks="true").run()
            Job("maybe", tasks="exit 3", fallible=True).run()

    with pytest.raises(JobFailed, match="job first") as caught:
        await handler()
    assert [note.partition("(")[0] for note in caught.value.__notes__] == ["and: job second "]


async def test_handled_failure_is_handled(session) -> None:
    """v1: a caught rejection means a successful build."""
    async with Scope() as own:
        with pytest.raises(JobFailed):
            await Job("a", tasks="exit 1").run()
        with pytest.raises(JobFailed):
            Job("b", tasks="exit 1").run().wait()
        canceled = Job("c", tasks="sleep 60").run()
        canceled.cancel()
    assert not own.unsettled


async def test_failed_body_cancels_what_it_left(session) -> None:
    """The handler's own error is what the build says; its jobs are not waited for."""
    job = Job("long", tasks="sleep 60")

    async def handler() -> None:
        async with Scope():
            job.run()
            Job("bad", tasks="exit 1").run()
            raise ValueError("the handler's")

    with pytest.raises(ValueError, match="the handler's"):
        await handler()
    assert job.state == "canceled"


async def test_canceled_body_cancels_what_it_left(session) -> None:
    """A build that is canceled while its leftovers are awaited must not wait for them."""

    async def handler() -> None:
        async with Scope():
            job.run()
            asyncio.get_running_loop().call_soon(settling.set)

    job, settling = Job("long", tasks="sleep 60"), asyncio.Event()
    task = asyncio.create_task(handler())
    await settling.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert job.state == "canceled"
    assert scope.current() is None


async def test_jobs_of_threads_belong_to_the_scope(session) -> None:
    """Executors and bare threads have no context of their own."""
    jobs = [Job(f"job-{n}", tasks="sleep 0.1") for n in range(2)]
    async with Scope():
        await asyncio.to_thread(jobs[0].run)
        thread = threading.Thread(target=jobs[1].run)
        thread.start()
        thread.join()
    assert [str(job.state) for job in jobs] == ["succeeded", "succeeded"]


async def test_scopes_nest(session) -> None:
    """A handler's scope within the notebook's: each answers for its own."""
    with Scope().entered() as outer:
        Job("outer", tasks="sleep 60").run()
        async with Scope() as inner:
            Job("inner", tasks="true").run()
        assert not inner.unsettled
        assert outer.unsettled
        await outer.abandon()
    assert not outer.unsettled


async def test_group_answers_for_its_jobs(session) -> None:
    """A failure that a group told of is not told twice; a group that nobody awaited fails the scope."""
    async with Scope():
        with pytest.raises(JobFailed):
            await Group.concurrent(Job("bad", tasks="exit 1"))
    with pytest.raises(JobFailed, match="bad"):
        async with Scope():
            Group.sequence(Job("bad", tasks="exit 1")).run()


async def test_failed_before_it_is_looked_at_is_unsettled(session) -> None:
    """`brignb.worker` asks after the cells ran: a job that failed long ago counts."""
    with Scope().entered() as own:
        handle = Job("bad", tasks="exit 1").run()
        await asyncio.wrap_future(handle.gone)
        assert own.unsettled
        with pytest.raises(JobFailed):
            await own.settle()
        assert not own.unsettled


def test_abandon_reaches_a_scope_that_broke_off(session) -> None:
    """An interrupt may leave a handler's coroutine where it was; its jobs must end all the same."""
    job = Job("long", tasks="sleep 60")

    async def handler() -> None:
        async with Scope():
            job.run()
            await suspended()

    @types.coroutine
    def suspended():
        yield

    outer = Scope()
    with outer.entered():
        broken_off = handler()
        broken_off.send(None)
        portal.submit(outer.abandon()).result(20)
        broken_off.close()
    assert job.state == "canceled"


async def test_emitted_event_is_durable_when_the_scope_ends(session, heard) -> None:
    """Un-awaited in a plain handler, as `job.run()` is."""
    reached = []

    async def slow(kind: str, payload: str) -> None:
        await asyncio.sleep(0.05)
        reached.append((kind, payload))

    session.emit = slow
    async with Scope():
        events.emit("deployed", {"tag": "v1"})
    assert reached == [("deployed", '{"tag": "v1"}')]


async def test_event_that_could_not_be_stored_fails_the_scope(session) -> None:
    """ "No event is lost" includes those that a handler raises."""

    async def fail(_kind: str, _payload: str) -> None:
        raise OSError("the disk is full")

    session.emit = fail
    with pytest.raises(OSError, match="disk is full"):
        async with Scope():
            events.emit("deployed")
