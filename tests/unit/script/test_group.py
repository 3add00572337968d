"""`Group`: in turn, at once, nested; the first failure ends it."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from brignb import Group, Job, JobCanceled, JobFailed
from brignb.errors import JobDefinitionError


def names(handles) -> list[str]:
    return [handle.name for handle in handles]


def states(*jobs: Job) -> list[str]:
    return [str(job.state) for job in jobs]


async def test_sequence_and_concurrent_nest(session) -> None:
    """The design's example: handles come in the order in which the jobs were written down."""
    build, last = Job("build", tasks="true"), Job("last", tasks="true")
    tests = [Job(f"test-{n}", tasks=f"sleep 0.{3 - n}") for n in range(3)]
    handles = await Group.sequence(build, Group.concurrent(*tests, Group.sequence(Job("deep", tasks="true"))), last)
    assert names(handles) == ["build", "test-0", "test-1", "test-2", "deep", "last"]
    assert build.finished_at <= min(test.started_at for test in tests)
    assert max(test.finished_at for test in tests) <= last.started_at


def test_concurrent_is_at_once(session, tmp_path) -> None:
    """Each of two jobs waits for the other: only together can they end."""
    both = [
        Job(f"job-{me}", tasks=[f"touch {tmp_path}/{me}", f"while [ ! -e {tmp_path}/{other} ]; do sleep 0.01; done"])
        for me, other in (("a", "b"), ("b", "a"))
    ]
    assert len(Group.concurrent(*both).run().wait(20)) == 2


def test_limit_holds(session, tmp_path) -> None:
    """Never more than `limit` at a time."""
    tasks = [f"mkdir {tmp_path}/only-one", "sleep 0.02", f"rmdir {tmp_path}/only-one"]
    Group.concurrent(*(Job(f"job-{n}", tasks=tasks) for n in range(4)), limit=1).run().wait(20)


def test_first_failure_cancels_siblings_and_skips_the_rest(session, tmp_path) -> None:
    """What could only waste time is ended; what comes after is not begun."""
    slow, never = Job("slow", tasks="sleep 60"), Job("never", tasks="true")
    bad = Job("bad", tasks="exit 1")
    with pytest.raises(JobFailed, match="bad"):
        Group.sequence(Group.concurrent(slow, bad, Group.sequence(Job("nested", tasks="sleep 60"))), never).run().wait(
            20
        )
    assert states(slow, bad, never) == ["canceled", "failed", "None"]


def test_fallible_failure_ends_nothing(session) -> None:
    """A failing linter must not keep the tests from running."""
    lint, test = Job("lint", tasks="exit 1", fallible=True), Job("test", tasks="true")
    assert [str(handle.state) for handle in Group.sequence(lint, test).run().wait(20)] == ["failed", "succeeded"]
    side = Job("side", tasks="sleep 0.2")
    Group.concurrent(lint, side).run().wait(20)
    assert side.state == "succeeded"


async def test_outputs_flow_by_reference_and_by_step(session) -> None:
    """What is known only later is asked for later."""
    build = Job("build", tasks='echo tag=v7 >> "$BRIGNB_OUTPUT"')
    by_reference = Job("by-reference", tasks="echo $TAG", env={"TAG": build.output("tag")})

    async def step() -> Job:
        await asyncio.sleep(0)
        return Job("by-step", tasks=f"echo {build.outputs['tag']}")

    def quiet() -> None:
        assert build.exit_code == 0

    handles = await Group.sequence(build, by_reference, quiet, step, lambda: Job("run", tasks="true").run())
    assert names(handles) == ["build", "by-reference", "by-step", "run"]
    assert [handle.logs for handle in handles[1:3]] == ["v7\n", "v7\n"]


def test_steps_may_block(session) -> None:
    """A step that waits for a job must not hold up the loop that runs it, however many there are."""
    steps = [lambda n=n: Job(f"job-{n}", tasks="true").run().wait(20) for n in range(12)]
    assert len(Group.concurrent(*steps).run().wait(30)) == 12


def test_step_s_exception_is_the_group_s(session) -> None:
    """An author's bug in a step is the author's to see."""

    def wrong() -> None:
        raise ValueError("in the step")

    slow = Job("slow", tasks="sleep 60")
    with pytest.raises(ValueError, match="in the step"):
        Group.concurrent(slow, wrong).run().wait(20)
    assert slow.state == "canceled"
    with pytest.raises(JobDefinitionError, match="answered int"):
        Group.sequence(lambda: 7).run().wait(20)


def test_missing_output_stops_a_sequence(session) -> None:
    """A reference that leads nowhere is an error where it is needed."""
    build = Job("build", tasks="true")
    with pytest.raises(JobDefinitionError, match="no such output"):
        Group.sequence(build, Job("next", tasks="true", env={"X": build.output("x")})).run().wait(20)


def test_cancel_ends_all(session, tmp_path) -> None:
    """Cancelling a group leaves nothing of it running, and begins nothing more."""
    first, second = Job("first", tasks=[f"touch {tmp_path}/started", "sleep 60"]), Job("second", tasks="true")
    handle = Group.sequence(Group.concurrent(first), second).run()
    end = time.monotonic() + 10
    while not (tmp_path / "started").exists():
        assert time.monotonic() < end
        threading.Event().wait(0.005)
    handle.cancel()
    with pytest.raises(JobCanceled, match="first"):
        handle.wait(20)
    assert states(first, second) == ["canceled", "None"]
    early = Group.concurrent(Job("early", tasks="sleep 60")).run()
    early.cancel()
    with pytest.raises(JobCanceled):
        early.wait(20)


async def test_cancelled_task_cancels_its_group(session) -> None:
    """Like a job's."""
    job = Job("long", tasks="sleep 60")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await Group.concurrent(job)
    with pytest.raises(JobCanceled):
        await job.last
    assert job.state == "canceled"


def test_handles_of_running_jobs(session) -> None:
    """They may run beside others, but nothing can come before what runs already."""
    running = Job("running", tasks="sleep 0.1").run()
    assert names(Group.concurrent(running, Job("x", tasks="true")).run().wait(20)) == ["running", "x"]
    with pytest.raises(JobDefinitionError, match="runs already"):
        Group.sequence(running)


def test_brigade_v1_s_ways(session) -> None:
    """`Group([jobs])`, `add`, `run_all`, `run_each`, `len`."""
    group = Group([Job("a", tasks="true")])
    group.add(Job("b", tasks="exit 1"), Job("c", tasks="true"))
    assert len(group) == 3
    with pytest.raises(JobFailed, match="b"):
        group.run_each().wait(20)
    with pytest.raises(JobFailed, match="b"):
        group.run_all().wait(20)
    assert Group().run().wait(20) == []


@pytest.mark.parametrize("wrong", [7, "job", [Job("x")], None])
def test_wrong_members_are_refused(wrong) -> None:
    """Where they are written, with a hint for the usual slip."""
    with pytest.raises(JobDefinitionError, match="takes jobs, groups and functions"):
        Group.concurrent(wrong)


@pytest.mark.parametrize("limit", [0, -1, 1.5, True, "2"])
def test_wrong_limits_are_refused(limit) -> None:
    """A limit of nothing would wait for ever."""
    with pytest.raises(JobDefinitionError, match="number from 1"):
        Group.concurrent(limit=limit)


async def test_a_groups_handle_says_how_it_is(session) -> None:
    """It is the last line of a cell; an address in memory tells nobody anything."""
    group = Group.sequence(Job("one", tasks="true"), Job("two", tasks="exit 1")).run()
    assert repr(group).startswith("<group of 2: running")
    with pytest.raises(JobFailed):
        await group
    assert repr(group) == "<group of 2: failed; one succeeded, two failed>"
