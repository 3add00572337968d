"""`JobHandle`: one run, awaited, joined, cancelled, read, from anywhere."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import threading
import time
from pathlib import Path

import pytest

from brignb import Job, JobCanceled, JobFailed, JobRefused, JobTimedOut
from brignb.errors import JobDefinitionError, SourceError
from brignb.model.jobs import JobStatus
from brignb.model.logs import LogLine
from brignb.script.session import Remembered
from brignb.script.views import render_html, render_text


def wait_for_file(path, seconds=5.0) -> None:
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end, f"{path} did not appear"
        threading.Event().wait(0.005)


def test_results_are_there_after_waiting(session, heard) -> None:
    """Everything that the issue names: exit code, logs, outputs, timings, id."""
    job = Job("build", tasks=["echo one", "echo two >&2", 'echo wheel=w-1.whl >> "$BRIGNB_OUTPUT"'])
    handle = job.run()
    assert handle.wait() is handle
    assert (job.state, job.exit_code, job.outputs) == ("succeeded", 0, {"wheel": "w-1.whl"})
    assert sorted(job.logs.splitlines()) == ["one", "two"]
    assert job.id == handle.id == session.job_id("build", 1, 1)
    assert job.started_at <= job.finished_at
    assert 0 <= job.duration < 5
    assert heard.states() == ["pending", "running", "succeeded"]
    assert {each.id for each in heard.told} == {job.id}


async def test_awaiting_answers_the_handle(session) -> None:
    """`await job.run()` is the usual way in a notebook."""
    handle = Job("x", tasks="true").run()
    assert not handle.done()
    assert await handle is handle
    assert handle.done()
    assert await handle is handle  # and may be awaited again


async def test_wait_blocks_a_running_loop_without_a_deadlock(session) -> None:
    """A plain handler calls `.wait()` while the loop that called it is running."""
    assert Job("x", tasks="true").run().wait(timeout=10).exit_code == 0


def test_awaited_on_another_thread_s_loop(session) -> None:
    """A handle belongs to no loop."""
    handle = Job("x", tasks="true").run()

    async def wait() -> int | None:
        return (await handle).exit_code

    codes: list[int | None] = []
    thread = threading.Thread(target=lambda: codes.append(asyncio.run(wait())))
    thread.start()
    thread.join(10)
    assert codes == [0]


def test_each_run_has_an_id_of_its_own(session) -> None:
    """The contract's ids count runs; `job` shows the last."""
    job = Job("x", tasks="echo $RUN", env={"RUN": 1})
    first = job.run().wait()
    job.env["RUN"] = 2
    second = job.run().wait()
    assert (first.id, second.id) == (session.job_id("x", 1, 1), session.job_id("x", 2, 1))
    assert (first.logs, second.logs, job.logs) == ("1\n", "2\n", "2\n")


def test_failure_says_everything(session) -> None:
    """Name, id, exit code, reason, and the log's last 20 lines, redacted."""
    job = Job("bad", tasks=["seq 1 30", "echo $TOKEN", "exit 3"], env={"TOKEN": session.secrets["TOKEN"]})
    with pytest.raises(JobFailed) as caught:
        job.run().wait()
    error = caught.value
    assert (error.name, error.job_id, error.exit_code, error.reason) == ("bad", job.id, 3, "exit_code")
    assert len(error.tail) == 20
    assert error.tail[-2:] == ("30", "REDACTED")
    assert str(error).splitlines()[0] == f"job bad ({job.id}) failed: exit code 3"


def test_time_limit_kills(session) -> None:
    """A job whose time is up is gone, and says so."""
    job = Job("slow", tasks="sleep 60", timeout=0.2)
    with pytest.raises(JobTimedOut):
        job.run().wait(timeout=20)
    assert (job.state, job.last.reason) == ("timed_out", "timeout")


def test_refusal_names_the_field(session, heard) -> None:
    """What an executor cannot give is never dropped in silence."""
    job = Job("docked", tasks="true", docker=True)
    with pytest.raises(JobRefused, match="docker") as caught:
        job.run().wait()
    assert (job.state, job.last.reason, job.started_at) == ("failed", "refused", None)
    assert job.last.finished_at is not None
    assert heard.states() == ["pending", "failed"]
    assert str(caught.value).count("refused") == 1


def test_source_that_cannot_be_had(session, heard) -> None:
    """No source, no start; the reason is the source's."""

    def too_large() -> str:
        raise SourceError("source_too_large", "more than 200 MB")

    session.source = too_large
    with pytest.raises(JobFailed, match="more than 200 MB"):
        Job("x", tasks="true").run().wait()
    assert heard.told[-1].reason == "source_too_large"
    assert Job("y", tasks="true", use_source=False, working_directory="/").run().wait().exit_code == 0


def test_fallible_failure_is_not_raised(session) -> None:
    """v2's `fallible`: it failed, and that is all."""
    handle = Job("maybe", tasks="exit 4", fallible=True).run().wait()
    assert (handle.state, handle.exit_code) == ("failed", 4)


def test_cancel_kills_and_raises(session, tmp_path) -> None:
    """A cancelled job is gone when waiting for it ends."""
    handle = Job("long", tasks=[f"touch {tmp_path}/started", "sleep 60"]).run()
    wait_for_file(tmp_path / "started")
    handle.cancel()
    with pytest.raises(JobCanceled):
        handle.wait(timeout=20)
    assert handle.state == "canceled"
    handle.cancel()  # changes nothing
    assert handle.state == "canceled"


def test_cancel_before_it_began(session, heard) -> None:
    """Cancelled at once, it never starts."""
    reached, leave = threading.Event(), threading.Event()

    def held_up() -> str:
        reached.set()
        leave.wait(10)
        return "/"

    session.source = held_up
    handle = Job("x", tasks="echo never").run()
    assert reached.wait(10)
    handle.cancel()
    leave.set()
    with pytest.raises(JobCanceled):
        handle.wait(10)
    assert heard.states() == ["pending", "canceled"]


async def test_cancelled_task_cancels_its_job(session, tmp_path) -> None:
    """`asyncio.timeout` around a job must not leave the job running."""
    handle = Job("long", tasks=[f"touch {tmp_path}/started", "sleep 60"]).run()
    await asyncio.to_thread(wait_for_file, tmp_path / "started")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await handle
    with pytest.raises(JobCanceled):
        await handle


def test_wait_with_a_timeout_leaves_it_running(session) -> None:
    """Like a future's: the time limit is the waiter's, not the job's."""
    handle = Job("x", tasks="sleep 60").run()
    with pytest.raises(TimeoutError, match="job x"):
        handle.wait(timeout=0.05)
    assert not handle.done()
    handle.cancel()
    with pytest.raises(JobCanceled):
        handle.wait(20)


def test_interrupt_while_waiting_cancels(session, tmp_path) -> None:
    """Ctrl-C in a cell must not leave a job behind."""
    handle = Job("long", tasks=[f"touch {tmp_path}/started", "sleep 60"]).run()

    def interrupt() -> None:
        wait_for_file(tmp_path / "started")
        os.kill(os.getpid(), signal.SIGINT)

    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    with pytest.raises(KeyboardInterrupt):
        handle.wait(20)
    interrupter.join()
    assert handle.state == "canceled"


def test_lines_come_live(session, tmp_path) -> None:
    """A line is seen while the job that wrote it still runs."""
    go = tmp_path / "go"
    handle = Job("talk", tasks=["echo first", f"while [ ! -e {go} ]; do sleep 0.01; done", "printf rest"]).run()
    lines = iter(handle)
    assert next(lines) == "first"
    assert not handle.done()
    go.touch()
    assert list(lines) == ["rest"]
    assert handle.wait().logs == "first\nrest\n"


async def test_several_readers_read_all_from_the_beginning(session) -> None:
    """Iterators are independent of each other and of when they begin; every line once, in order."""
    expected = [str(n) for n in range(1, 5001)]
    handle = Job("count", tasks="seq 1 5000").run()

    async def read() -> list[str]:
        return [line async for line in handle]

    assert await asyncio.gather(read(), read(), asyncio.to_thread(lambda: list(handle))) == [expected] * 3
    await handle
    assert list(handle) == [line async for line in handle] == expected


def test_brignb_s_own_lines_are_in_the_tail_only(session) -> None:
    """`json.loads(job.logs)` must work though the executor reports what it could not give."""
    handle = Job("x", "some:image", tasks="echo '{}'").run().wait()
    assert handle.logs == "{}\n"
    assert list(handle) == ["{}"]
    assert any("some:image" in line for line in handle.tail)


def test_retries_try_again_with_ids_of_their_own(session, heard, tmp_path) -> None:
    """Same run, next try; the log of every try can be read, and the last one's result counts."""
    tasks = [
        f"echo try >> {tmp_path}/tries",
        f"echo number $(wc -l < {tmp_path}/tries)",
        f"[ $(wc -l < {tmp_path}/tries) = 3 ]",
    ]
    job = Job("flaky", tasks=tasks, retries=3, retry_delay=0.01)
    handle = job.run().wait()
    assert (handle.attempt, handle.id) == (3, session.job_id("flaky", 1, 3))
    assert handle.first_id == session.job_id("flaky", 1, 1)
    assert list(handle) == ["number 1", "number 2", "number 3"]
    assert handle.logs == "number 3\n"
    assert heard.states() == [*["pending", "running", "failed"] * 2, "pending", "running", "succeeded"]


def test_retries_end(session, heard) -> None:
    """The last try's failure is the job's."""
    with pytest.raises(JobFailed) as caught:
        Job("bad", tasks="exit 1", retries=2, retry_delay=0).run().wait()
    assert caught.value.job_id == session.job_id("bad", 1, 3)
    assert heard.states().count("failed") == 3


def test_what_cannot_start_is_not_tried_again(session, heard) -> None:
    """A refusal would be refused again."""
    with pytest.raises(JobRefused):
        Job("docked", tasks="true", docker=True, retries=5, retry_delay=60).run().wait(10)
    assert heard.states() == ["pending", "failed"]


def test_cancel_while_it_waits_for_its_next_try(session, heard) -> None:
    """A job between two tries can be cancelled too."""
    handle = Job("bad", tasks="exit 1", retries=1, retry_delay=60).run()
    end = time.monotonic() + 10
    while handle.attempt == 1:
        assert time.monotonic() < end
        threading.Event().wait(0.005)
    handle.cancel()
    with pytest.raises(JobCanceled):
        handle.wait(10)
    assert heard.states() == ["pending", "running", "failed", "pending", "canceled"]


def test_failure_of_ours_reaches_who_waits(session, heard, tmp_path) -> None:
    """When the log cannot be kept the job is killed, and says why; it must neither hang nor go on unseen."""

    def full(*_args: object) -> int:
        raise OSError("no space")

    session.progressed = full
    with pytest.raises(OSError, match="no space"):
        Job("x", tasks=["echo hi", "sleep 60"]).run().wait(20)
    assert heard.states()[-1] == "lost"


def test_forked_child_cannot_start_jobs(session) -> None:
    """It would count the same runs as its parent, and give the same ids."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            Job("x", tasks="true").run()
        except Exception as error:  # noqa: BLE001 - any other is a failure of the test
            code = 0 if "forked" in str(error) else 2
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0


def test_outputs_become_env_of_the_next(session) -> None:
    """Message passing between jobs, value by value and by reference."""
    build = Job("build", tasks='echo "wheel=a b.whl" >> "$BRIGNB_OUTPUT"')
    build.run().wait()
    for value in (build.outputs["wheel"], build.output("wheel")):
        assert Job("use", tasks='echo "[$WHEEL]"', env={"WHEEL": value}).run().wait().logs == "[a b.whl]\n"
    with pytest.raises(JobDefinitionError, match="it has wheel"):
        Job("use", tasks="true", env={"WHEEL": build.output("weel")}).run()


def test_artifacts_go_from_job_to_job(session) -> None:
    """`artifacts` of one are in the source of those that name it as `inputs`."""
    build = Job("build", tasks=["mkdir -p dist", "echo content > dist/a.whl"], artifacts="dist/*.whl")
    assert build.run().wait().artifacts == ("dist/a.whl",)
    assert Job("use", tasks="cat dist/a.whl", inputs=build).run().wait().logs == "content\n"


def test_a_view_shows_it_and_nothing_else_does(session) -> None:
    """A view shows the job under its cell; the cell's result must not show it twice, and stale."""

    class Seen:
        def __init__(self) -> None:
            self.states: list[str] = []

        def started(self, started, owner) -> None:
            self.states.append(f"started {started.state}")
            assert owner is None
            assert threading.current_thread() is threading.main_thread()

        def changed(self, started) -> None:
            self.states.append(str(started.state))

        def show(self, started) -> bool:
            self.states.append("shown")
            return True

    handle = Job("x", tasks="true").run().wait()
    assert "text/html" in handle._repr_mimebundle_()
    with pytest.raises(NotImplementedError):  # so that IPython takes the bundle
        handle._ipython_display_()
    session.view = Seen()
    job = Job("x", tasks="true")
    job.run().wait()
    assert session.view.states == ["started pending", "pending", "running", "succeeded"]
    job._ipython_display_()
    assert session.view.states[-1] == "shown"


def test_rerun_is_of_the_job_as_it_is_now(session) -> None:
    """A view's button: whoever has mended the job in between wants that to run."""
    job = Job("x", tasks="exit 3", fallible=True)
    first = job.run().wait()
    job.tasks = ["true"]
    assert first.rerun().wait().state == "succeeded"
    assert job.last is not first


def test_a_remembered_job_is_not_run(session, heard) -> None:
    """While a build is debugged: same definition, same inputs; its recorded end, outputs and log are there at once, and say what they are."""
    session.commit = lambda: "c" * 40
    tasks = ["echo ran >> ran", 'echo "tag=v1" >> "$BRIGNB_OUTPUT"', "echo seen"]
    Job("build", tasks=tasks).run().wait()
    (record,) = [job for job in heard.told if job.state.terminal]
    status = JobStatus(state=record.state, exit_code=0, outputs=record.outputs, started_at=1, finished_at=2)
    lines = (LogLine(1, "stdout", "seen then"),)
    known = {record.digest: Remembered("B" * 26, status, lines)}
    session.remembers = known.get

    again = Job("build", tasks=tasks)
    handle = again.run().wait()
    assert (handle.remembered, handle.exit_code, again.outputs, again.logs) == (True, 0, {"tag": "v1"}, "seen then\n")
    assert "remembered" in render_text(handle)
    assert "remembered" in render_html(handle)
    assert Path(session.source(), "ran").read_text() == "ran\n"
    assert not again.run(fresh=True).wait().remembered
    assert not Job("build", tasks=[*tasks, "true"]).run().wait().remembered
    assert Path(session.source(), "ran").read_text() == "ran\n" * 3


def test_remembered_artifacts_are_there_for_those_that_want_them(session, heard) -> None:
    """And who wants them is remembered too, unless they were made anew."""
    session.commit = lambda: "c" * 40
    build = Job("build", tasks="echo made > a.whl", artifacts="*.whl")
    use = Job("use", tasks="cat a.whl", inputs=build)
    other = Job("other", tasks="cat a.whl; true", inputs=build)
    build.run().wait()
    use.run().wait()
    records = {job.name: job for job in heard.told if job.state.terminal}
    kept = session.executor.artifacts(records["build"].id)

    def remembers(digest):
        for record in records.values():
            if record.digest == digest:
                paths = ("a.whl",) if record.name == "build" else ()
                status = JobStatus(state=record.state, exit_code=0, started_at=1, finished_at=2, artifacts=paths)
                return Remembered(
                    "B" * 26, status, (), lambda new: shutil.copytree(kept, session.executor.artifacts(new))
                )
        return None

    session.remembers = remembers
    assert build.run().wait().remembered
    assert use.run().wait().remembered
    assert not other.run().wait().remembered
    assert other.logs == "made\n"
    build.run(fresh=True).wait()
    assert not use.run().wait().remembered
    named = Job("use", tasks="cat a.whl", inputs=build.id).run().wait()
    assert (named.digest, named.remembered) == (None, False), "of an id nobody knows what it was made of"


@pytest.mark.parametrize("value", ["s3cr3t-token-value", "x" * 70_000])
def test_what_cannot_be_told_whole_is_not_remembered(session, heard, value) -> None:
    """A masked or dropped output must not stand for the real one."""
    session.commit = lambda: "c" * 40
    Job("build", tasks=f'echo "tag={value}" >> "$BRIGNB_OUTPUT"').run().wait()
    (record,) = [job for job in heard.told if job.state.terminal]
    assert record.digest is None
    assert value not in record.outputs.values()
