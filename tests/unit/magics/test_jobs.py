"""`%%job`: the cell's body is the job's script."""

from __future__ import annotations

import pytest

from brignb import Job, JobFailed
from brignb.errors import JobDefinitionError
from brignb.magics import job
from brignb.magics.jobcell import identifier, jobs_of


def test_body_is_the_script_and_the_job_is_bound(typed) -> None:
    """It does not block, and what it answers can be awaited."""
    handle = typed.run("%%job build-image alpine:3\nprintf 'a\\n'\necho name=value >> $BRIGNB_OUTPUT")
    made = typed.shell.user_ns["build_image"]
    assert isinstance(made, Job)
    assert (made.name, made.image) == ("build-image", "alpine:3")
    handle.wait()
    assert made.logs == "a\n"
    assert made.outputs == {"name": "value"}


def test_nothing_is_spliced_into_the_script(typed) -> None:
    """Braces and dollars of the body are the shell's; values come by the environment."""
    typed.shell.user_ns["tag"] = "v1; exit 7"
    handle = typed.run('%%job build --env tag --env B={tag} --env N=1\necho "$tag" "$B" "$N" {tag}')
    handle.wait()
    assert typed.shell.user_ns["build"].logs == "v1; exit 7 v1; exit 7 1 {tag}\n"


def test_secrets_come_by_name_and_are_redacted(typed) -> None:
    """The value stands neither in the cell nor in its output."""
    handle = typed.run("%%job build --secret TOKEN --secret OTHER=TOKEN\necho $TOKEN $OTHER")
    handle.wait()
    assert typed.shell.user_ns["build"].logs == "REDACTED REDACTED\n"


def test_words_become_fields(typed) -> None:
    """Each option is the `Job`'s field of that meaning."""
    words = "--timeout 9 --retries 1 --retry-delay 0 --shell /bin/bash --artifacts 'a*' --fallible --cache --no-source"
    typed.run(f"%%job build {words}\nexit 2").wait()
    made = typed.shell.user_ns["build"]
    assert (made.timeout, made.retries, made.retry_delay, made.shell) == (9, 1, 0, "/bin/bash")
    assert (made.artifacts, made.fallible, made.cache.enabled, made.use_source) == (["a*"], True, True, False)
    assert made.last.attempt == 2


@pytest.mark.slow
def test_needs_waits_and_brings_artifacts(typed) -> None:
    """Three cells run at once: each job begins when the one before it has succeeded."""
    typed.run("%%job build --artifacts out.txt\nsleep 0.3; echo built > out.txt")
    typed.run("%%job test --needs build --artifacts out.txt\ncat out.txt; echo tested >> out.txt")
    typed.run("%%job ship --needs build,test\ncat out.txt").wait()
    assert typed.shell.user_ns["test"].logs == "built\n"
    assert typed.shell.user_ns["ship"].logs == "built\ntested\n"


def test_needs_of_a_failure(typed) -> None:
    """What needs a failed job does not run; one that is asked for later says so at once."""
    typed.run("%%job build\nexit 3")
    with pytest.raises(JobFailed, match="build"):
        typed.run("%%job test --needs build\ntrue").wait()
    assert "did not succeed" in typed.wrong("%%job again --needs build\ntrue")


def test_needs_what_never_ran(typed) -> None:
    """A job that was only written down."""
    typed.run("build = Job('build', tasks='true')")
    assert "has not run yet" in typed.wrong("%%job test --needs build\ntrue")


def test_the_function_does_the_same(session) -> None:
    """In a script there are no magics."""
    build = job("build", tasks="echo a > a.txt", artifacts="a.txt").wait()
    assert job("test", tasks="cat a.txt", needs=[build]).wait().logs == "a\n"
    with pytest.raises(JobDefinitionError, match="has not run"):
        job("test", tasks="true", needs=[Job("never")])


@pytest.mark.parametrize(
    ("name", "bound"),
    [("build", "build"), ("build-image", "build_image"), ("3d", "_3d"), ("import", "import_"), ("format", "format_")],
)
def test_identifier(name, bound) -> None:
    """A DNS label is not always a variable's name, and a job `print` must not be in the way of Python's."""
    assert identifier(name) == bound


def test_a_job_of_an_earlier_output_does_not_count() -> None:
    """IPython keeps what cells answered as `_5`; a job of that name that was replaced since must stay replaced."""
    old, new = Job("build"), Job("build")
    assert jobs_of({"build": new, "_5": old, "_": old, "_3d": Job("3d")}).keys() == {"build", "3d"}
    assert jobs_of({"build": new, "_5": old})["build"] is new
