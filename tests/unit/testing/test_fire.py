"""`fire`: handlers of notebooks, modules and this process answer an event, and what they did is told."""

from __future__ import annotations

import asyncio
import sys
import types

import pytest

from brignb import events, project
from brignb.errors import JobFailed, NotebookError, NotFound
from brignb.script import session
from brignb.testing import FakeExecutor, Fired, fire, payloads

IMPORT = "from brignb import Group, Job, events"
PIPELINE = """\
@events.on("push")
async def push(event, project):
    build = Job("build", "python:3.12", tasks=["make"], env={"TOKEN": project.secrets["TOKEN"], "N": number})
    tests = [Job(f"test-{n}", env={"WHEEL": build.output("wheel")}) for n in range(2)]
    await Group.sequence(build, Group.concurrent(*tests))
    await events.emit("built", {"wheel": build.outputs["wheel"]})
"""


@pytest.fixture
def pipeline(book):
    return book(
        ("number: int = 1  # from: event.data.number", "parameters"),
        IMPORT,
        ("raise SystemExit('scratch ran')", "scratch"),
        ("raise SystemExit('tests ran')", "tests"),
        PIPELINE,
    )


def test_a_notebook_answers_as_a_build_would(pipeline):
    """Cells, parameters from the event, handlers, jobs in order with what they were given, what was emitted."""
    fake = FakeExecutor().job("build", outputs={"wheel": "a.whl"})
    done = fire(pipeline, payloads.github("push", {"number": 7}), executor=fake, secrets={"TOKEN": "t0ken-value"})
    assert done.check().succeeded
    assert done.handlers == ["push"]
    assert done.job_names[0] == "build"
    assert sorted(done.job_names[1:]) == ["test-0", "test-1"]
    assert done.job("build").env == {"TOKEN": "t0ken-value", "N": "7"}
    assert done.job("test-1").env == {"WHEEL": "a.whl"}
    assert (done.job("build").image, done.job("build").tasks) == ("python:3.12", ("make",))
    assert done.emitted == [("built", '{"wheel": "a.whl"}')]


def test_a_job_that_fails_ends_it(pipeline):
    fake = FakeExecutor().job("build", exit_code=3, lines=["no rule"])
    done = fire(pipeline, payloads.github("push"), executor=fake, secrets={"TOKEN": "t"})
    assert (done.succeeded, done.job_names) == (False, ["build"])
    assert "no rule" in str(done.failure)
    with pytest.raises(JobFailed, match="exit code 3"):
        done.check()
    assert "JobFailed" in repr(done)


def test_parameters_are_parsed_by_their_types(pipeline):
    fake = FakeExecutor().job("build", outputs={"wheel": "w"})
    done = fire(pipeline, "push", executor=fake, secrets={"TOKEN": "t"}, parameters={"number": "12"})
    assert done.check().job("build").env["N"] == "12"
    assert "number" in str(fire(pipeline, "push", parameters={"number": "x"}).failure)


def test_after_and_error_handlers_run(book):
    """v1's, each when it would."""
    path = book(
        IMPORT,
        "@events.on('push')\ndef push(event):\n    if event.data:\n        raise ValueError('no')",
        "@events.on('after')\ndef well(event): ...",
        "@events.on('error')\ndef badly(event):\n    assert 'no' in event.cause['reason']",
    )
    assert fire(path, "push").handlers == ["push", "well"]
    failed = fire(path, payloads.event("push", {"a": 1}))
    assert failed.handlers == ["push", "badly"]
    assert isinstance(failed.failure, ValueError)


def test_a_failing_cell_is_told_with_cell_and_line(book):
    done = fire(book(IMPORT, "x = 1\n1 / 0"), "push")
    assert isinstance(done.failure, ZeroDivisionError)
    frame = done.failure.__traceback__
    while frame.tb_next:
        frame = frame.tb_next
    assert frame.tb_frame.f_code.co_filename.endswith("pipeline.ipynb, cell 2")
    assert frame.tb_lineno == 2


def test_jobs_of_plain_cells_are_told_too_and_await_works_there(book):
    path = book(IMPORT, "job = Job('one')\nawait job.run()\nJob('two').run()")
    assert fire(path, "exec").check().job_names == ["one", "two"]


def test_ipythons_language_is_understood(book):
    path = book(
        IMPORT, "word = !echo a\n%time n = 2", "@events.on('push')\ndef push():\n    Job(word[0], args=[str(n)]).run()"
    )
    done = fire(path, "push")
    assert done.check().job_names == ["a"]


def test_nothing_is_left_of_it(pipeline):
    """Not a handler, not a session, not a secret."""
    before = len(events)
    with session.acting(object()):  # whatever acted before does so again
        here = session.current()
        fire(pipeline, "push", secrets={"TOKEN": "t"})
        assert session.current() is here
    assert len(events) == before


def test_handlers_of_this_process_and_of_a_module():
    module = types.ModuleType("a_module_of_the_tests")
    source = f"{IMPORT}\n@events.on('push')\ndef theirs(project):\n    Job(project.secrets['NAME']).run()"
    with events.apart([]):
        exec(compile(source, "a_module", "exec"), module.__dict__)

        @events.on("push")
        def mine(): ...

        assert fire(module, "push", secrets={"NAME": "named"}).check().job_names == ["named"]
        assert fire(events, "push", secrets={"NAME": "b"}).handlers == ["theirs", "mine"]


async def test_it_works_under_a_running_loop(pipeline):
    """In a notebook's cell, and in an async test."""
    fake = FakeExecutor().job("build", outputs={"wheel": "w"})
    done = fire(pipeline, "push", executor=fake, secrets={"TOKEN": "t"})
    assert done.check().job_names[0] == "build"
    assert asyncio.get_running_loop().is_running()


def test_a_missing_job_names_those_that_there_were(pipeline):
    fake = FakeExecutor().job("build", outputs={"wheel": "w"})
    done = fire(pipeline, "push", executor=fake, secrets={"TOKEN": "t"})
    with pytest.raises(NotFound, match="build, test-0, test-1"):
        done.job("deploy")


@pytest.mark.parametrize(("content", "error"), [(None, NotFound), (b"{", NotebookError)])
def test_what_is_no_notebook(tmp_path, content, error):
    if content:
        (tmp_path / "a.ipynb").write_bytes(content)
    with pytest.raises(error, match=r"a\.ipynb"):
        fire(tmp_path / "a.ipynb", "push")


def test_another_language_cannot_be_fired_at(book):
    with pytest.raises(NotebookError, match="only Python"):
        fire(book("x <- 1", language_info={"name": "R"}), "push")


def test_the_reference_pipeline():
    """As the guide shows it."""
    path = "notebooks/reference-pipeline.ipynb"
    secrets = {"DOCKER_REGISTRY": "r.example.com", "SLACK_WEBHOOK": "https://hooks.example.com/x"}
    assert fire(path, payloads.github("push"), secrets=secrets).check().job("dind").tasks == ("./build.sh",)
    done = fire(path, payloads.registry("acr"), secrets=secrets).check()
    assert done.job("slack-notify").env["SLACK_MESSAGE"] == "New Build hello-world:v1 available!"


def test_importing_it_is_light():
    """pytest loads the plugin in every project."""
    import subprocess

    code = "import sys, brignb.testing.plugin; print(sorted({m.split('.')[0] for m in sys.modules} & {'IPython', 'ulid', 'httpx', 'yaml', 'papermill'}), 'brignb.script.session' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]", "False"]


def test_fired_is_a_value():
    assert Fired(payloads.event("push")).succeeded
    assert project is not None
