"""`Job`: what its fields take, and what a run is made of."""

from __future__ import annotations

from pathlib import Path

import pytest

from brignb import Cache, Docker, Host, Job, Resources, Storage
from brignb.errors import JobDefinitionError
from brignb.model import jobs as frozen
from brignb.model.jobs import JobSpec
from brignb.script.session import Session
from brignb.script.starting import specify


def spec(job: Job, session: Session) -> JobSpec:
    return specify(job, session).spec


def test_defaults_are_the_specification_s(session) -> None:
    """The author's defaults and the executor's must not drift apart."""
    made = spec(Job("x", tasks=["true"]), session)
    plain = JobSpec(id="", name="x", build_id=session.build_id, project="example/demo", tasks=("true",))
    assert made == plain


def test_every_field_of_the_specification_can_be_said() -> None:
    """Nothing of a JobSpec may be out of the author's reach."""
    given_elsewhere = {"id", "build_id", "attempt", "project", "namespace", "source"}
    assert set(JobSpec.__slots__) - given_elsewhere <= set(Job._takes)


def test_all_fields_arrive(session) -> None:
    """Each field of the design reaches the executor as it was written."""
    job = Job(
        "all",
        "img:1",
        ["a", "b"],
        shell="/bin/bash",
        env={"A": 1, "B": True, "C": None, "D": 1.5, "E": {"secretKeyRef": {"name": "n", "key": "k"}}},
        args=["x"],
        image_pull_policy="Always",
        image_pull_secrets=["pull"],
        mount_path=Path("/code"),
        use_source=False,
        timeout=5,
        privileged=True,
        service_account="sa",
        annotations={"a": "b"},
        resources={"limits": {"memory": "1Gi", "cpu": 2}},
        host=Host(os="linux"),
        cache=True,
        storage={"enabled": True, "path": "/shared"},
        docker=Docker(enabled=True),
        volumes=[{"name": "v"}],
        volume_mounts=[{"name": "v", "mountPath": "/v"}],
        sidecars={"db": {"image": "postgres"}},
        working_directory="/tmp",
        artifacts="dist/*",
        inputs=["earlier-id"],
    )
    made = spec(job, session)
    assert made.tasks == ("a", "b")
    assert made.env == {
        "A": "1",
        "B": "true",
        "C": "",
        "D": "1.5",
        "E": {"secretKeyRef": {"name": "n", "key": "k"}},
    }
    assert made.resources == frozen.Resources(limits={"memory": "1Gi", "cpu": "2"})
    assert (made.cache.enabled, made.storage, made.docker.enabled) == (True, frozen.Storage(True, "/shared"), True)
    assert (made.mount_path, made.artifacts, made.inputs, made.host.os) == (
        "/code",
        ("dist/*",),
        ("earlier-id",),
        "linux",
    )
    assert (made.timeout, made.service_account, made.working_directory) == (5.0, "sa", "/tmp")


def test_may_be_changed_until_it_runs(session) -> None:
    """v1's way of writing pipelines: build the job up, then run it."""
    job = Job("x")
    job.tasks.append("one")
    job.tasks += ["two"]
    job.env["X"] = 3
    job.storage.enabled = True
    job.cache = {"enabled": True, "size": "1Gi"}  # type: ignore[assignment]
    job.docker.enabled = False
    made = spec(job, session)
    job.tasks.append("too late")
    job.storage.enabled = False
    assert made.tasks == ("one", "two")
    assert made.env == {"X": "3"}
    assert made.storage.enabled
    assert made.cache == frozen.Cache(enabled=True, size="1Gi")


def test_what_was_given_is_not_shared() -> None:
    """Two jobs made of one list must not change each other."""
    tasks, env = ["a"], {"A": "1"}
    first, second = Job("x", tasks=tasks, env=env), Job("y", tasks=tasks, env=env)
    first.tasks.append("b")
    first.env["B"] = "2"
    assert (second.tasks, second.env, tasks, env) == (["a"], {"A": "1"}, ["a"], {"A": "1"})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "Not_A_Label"),
        ("name", "x" * 37),
        ("image", 7),
        ("tasks", 7),
        ("tasks", ["ok", 7]),
        ("shell", ""),
        ("env", ["A=1"]),
        ("env", {"A": object()}),
        ("env", {"A": b"bytes"}),
        ("env", {"A": ["list"]}),
        ("env", {"A=B": "1"}),
        ("env", {1: "1"}),
        ("args", "one word or two"),
        ("command", "make test"),
        ("image_pull_policy", "Sometimes"),
        ("use_source", 1),
        ("timeout", 0),
        ("timeout", -1),
        ("timeout", float("nan")),
        ("timeout", float("inf")),
        ("timeout", "60"),
        ("timeout", True),
        ("privileged", "no"),
        ("annotations", {"a": None}),
        ("resources", {"limits": ["cpu"]}),
        ("cache", "yes"),
        ("host", True),
        ("volumes", {"name": "v"}),
        ("sidecars", {"db": "postgres"}),
        ("fallible", None),
        ("retries", -1),
        ("retries", 1.5),
        ("retries", True),
        ("retry_delay", -1),
        ("inputs", [7]),
    ],
)
def test_wrong_types_are_refused_by_name(field, value) -> None:
    """A wrong value must be found where it is written, not in an executor; the message names the field."""
    given = {"name": "x", field: value}
    with pytest.raises(JobDefinitionError) as caught:
        Job(**given)
    assert field in caught.value.where


def test_wrong_value_is_never_shown() -> None:
    """The value may be a secret in a wrapper of somebody's."""
    with pytest.raises(JobDefinitionError) as caught:
        Job("x", env={"TOKEN": b"hunter2-secret"})  # type: ignore[dict-item]
    assert "hunter2" not in str(caught.value)


def test_list_spoiled_later_is_found_when_it_runs(session) -> None:
    """`job.tasks.append(3)` cannot be caught at once, but must not reach the executor."""
    job = Job("x")
    job.tasks.append(3)  # type: ignore[arg-type]
    with pytest.raises(JobDefinitionError, match="list of texts"):
        job.run()


def test_tasks_and_command_exclude_each_other(session) -> None:
    """A command replaces the shell that would run the tasks."""
    with pytest.raises(JobDefinitionError, match="not both"):
        Job("x", tasks=["a"], command=["b"]).run()


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("imageForcePull", "image_pull_policy"),
        ("useSource", "use_source"),
        ("serviceAccount", "service_account"),
        ("resourceLimits", "resources.limits"),
        ("taks", "tasks"),
        ("zzz", "it has"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(name, hint) -> None:
    """A mistyped or camelCase field of v1 must not be taken in silence."""
    with pytest.raises(AttributeError, match=hint):
        setattr(Job("x"), name, True)


def test_unknown_names_of_options_are_refused() -> None:
    """The same for what hangs on a job."""
    with pytest.raises(AttributeError, match="did you mean enabled"):
        Job("x").storage.enabld = True  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="did you mean size"):
        Job("x", cache={"sise": "1Gi"})
    with pytest.raises(JobDefinitionError, match=r"Job\.cache\.enabled"):
        Job("x").cache.enabled = "no"  # type: ignore[assignment]


def test_options_are_of_the_exported_types() -> None:
    """What an author imports is what an author finds."""
    job = Job("x")
    assert [type(each) for each in (job.cache, job.storage, job.docker, job.host, job.resources)] == [
        Cache,
        Storage,
        Docker,
        Host,
        Resources,
    ]


def test_results_before_a_run_are_none_or_an_error() -> None:
    """An empty log of a job that never ran would mislead."""
    job = Job("x")
    assert (job.state, job.exit_code, job.id, job.duration, job.last) == (None, None, None, None, None)
    for name in ("outputs", "logs"):
        with pytest.raises(JobDefinitionError, match="has not run"):
            getattr(job, name)


def test_output_of_a_job_that_has_not_run_is_an_error(session) -> None:
    """A reference must not become an empty variable."""
    build = Job("build")
    with pytest.raises(JobDefinitionError, match="has not run yet"):
        Job("next", tasks="true", env={"W": build.output("wheel")}).run()


def test_input_that_has_not_run_is_an_error(session) -> None:
    """Artifacts of nothing are a mistake in the order of things."""
    with pytest.raises(JobDefinitionError, match="has not run yet"):
        Job("next", tasks="true", inputs=Job("build")).run()
