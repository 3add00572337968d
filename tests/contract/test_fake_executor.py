"""The fake that tests stand on is held to the suite of the real executors, as far as that is not about processes.

Here a job's tasks are read by a few lines that know `exit`, `echo`, `seq`, outputs and `sleep`; the tests are the real ones, imported.
"""

from __future__ import annotations

import re

import pytest
from contract.test_executor import (
    BUILD,
    Bench,
    test_a_quiet_job_ends_without_a_reader,
    test_an_unknown_job_is_not_found,
    test_canceling_what_has_ended_changes_nothing,
    test_exit_codes,
    test_outputs_of_a_failed_job_are_kept,
)

from brignb.errors import JobRefused
from brignb.model.builds import State
from brignb.testing.executor import Answer, FakeExecutor

__all__ = [
    "test_a_quiet_job_ends_without_a_reader",
    "test_an_unknown_job_is_not_found",
    "test_canceling_what_has_ended_changes_nothing",
    "test_exit_codes",
    "test_outputs_of_a_failed_job_are_kept",
]

OUTPUT = re.compile(r'echo "(?P<name>\w+)=(?P<value>.*)" >> "\$BRIGNB_OUTPUT"')


class Played(FakeExecutor):
    """Under the name by which the suite looks into an executor."""

    @property
    def _runs(self):
        return self._ran


def answer(spec) -> Answer:
    code, lines, outputs, holds = 0, [], {}, False
    for task in spec.tasks:
        word, _, rest = task.partition(" ")
        if found := OUTPUT.match(task):
            outputs[found["name"]] = found["value"]
        elif word == "exit":
            code = int(rest)
        elif word == "echo":
            lines.append(rest)
        elif word == "seq":
            lines += [str(number) for number in range(1, int(rest) + 1)]
        elif word == "sleep":
            holds = True
        elif word != "true":
            raise ValueError(task)
    return Answer(exit_code=code, lines=lines, outputs=outputs, holds=holds)


@pytest.fixture
async def bench(tmp_path):
    executor = Played(answer)
    yield Bench(executor, tmp_path, sandboxed=False)
    await executor.close()


# The suite's, with what a shell would do besides left out


async def test_success_has_its_times(bench):
    status, _ = await bench.run("true")
    assert (status.state, status.exit_code, status.reason) == (State.SUCCEEDED, 0, None)
    assert status.started_at <= status.finished_at


async def test_timeout_kills(bench):
    status, _ = await bench.run("sleep 1000", timeout=0.01)
    assert (status.state, status.reason, status.exit_code) == (State.TIMED_OUT, "timeout", None)


async def test_a_job_that_holds_can_be_canceled_and_keeps_its_lines(bench):
    job = await bench.start("echo up", "sleep 1000")
    assert await bench.first_line(job) == "up"
    assert (await bench.executor.status(job)).state is State.RUNNING
    await bench.executor.cancel(job)
    assert (await bench.executor.wait(job)).state is State.CANCELED
    assert [line.text for line in await bench.lines(job)] == ["up"]


async def test_a_job_that_holds_can_be_released(bench):
    """A test that wants to see what happens while a job runs needs no clock."""
    job = await bench.start("sleep 1000", 'echo "A=1" >> "$BRIGNB_OUTPUT"')
    bench.executor.release("jo*")
    assert (await bench.executor.wait(job)).outputs == {"A": "1"}


async def test_close_ends_all_and_takes_no_more(bench):
    job = await bench.start("sleep 1000")
    await bench.executor.close()
    assert (await bench.executor.status(job)).state is State.CANCELED
    with pytest.raises(JobRefused):
        await bench.start("true")


async def test_a_follower_goes_on_where_it_was(bench):
    job = await bench.start("seq 50")
    assert [line.text for line in await bench.lines(job, after=30)] == [str(number) for number in range(31, 51)]


async def test_an_id_is_started_once(bench):
    spec = bench.spec("true")
    for _ in range(3):
        await bench.executor.start(spec)
    assert len(bench.executor.jobs) == 1


async def test_what_was_said_to_be_refused_is_refused_by_name(bench):
    bench.executor.job("deploy", refused="privileged: the operator does not allow it")
    spec = bench.spec("true", name="deploy")
    assert bench.executor.supports(spec).refusals
    with pytest.raises(JobRefused, match="privileged"):
        await bench.executor.start(spec)
    assert bench.executor.jobs == []


async def test_what_was_said_last_counts(bench):
    bench.executor.job("test-*", exit_code=1).job("test-b", exit_code=0)
    for name, state in (("test-a", "failed"), ("test-b", "succeeded")):
        status, _ = await bench.run("true", name=name, build_id=BUILD)
        assert status.state == state
