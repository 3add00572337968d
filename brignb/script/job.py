"""`Job`: what the author says of a container run. It may be changed until it runs, and run again.

    build = Job("build", "python:3.12-slim", tasks=["cd /src", "python -m build"], timeout=600)
    build.env["TOKEN"] = project.secrets["TOKEN"]
    await build.run()
    print(build.outputs["wheel"])

What enters is checked as it is set. `run()` takes a picture of it as an immutable `JobSpec`; what is changed later is for the next run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, ClassVar, Union

from brignb.model.names import job_name
from brignb.script import fields
from brignb.script.checked import Checked
from brignb.script.env import EnvValue, Output, variables
from brignb.script.fields import Take, refuse
from brignb.script.handle import JobHandle
from brignb.script.lastrun import LastRun
from brignb.script.options import Cache, Docker, Host, Resources, Storage, option
from brignb.script.started import Started
from brignb.script.starting import start

Input = Union["Job", JobHandle, str]


def _inputs(name: str, value: Any) -> list[Input]:
    if isinstance(value, str | Job | JobHandle):
        return [value]
    if not isinstance(value, Sequence):
        refuse(name, "a list of jobs", value)
    for each in value:
        if not isinstance(each, str | Job | JobHandle):
            refuse(name, "a list of jobs, and nothing else in it", each)
    return list(value)


class Job(LastRun, Checked):
    """One container run, as the author describes it.

    Args:
        name: A DNS label of at most 36 characters.
        image: What it runs in, where there are containers.
        tasks: Shell lines; the first that fails ends the job (`/bin/sh` and `/bin/bash`).
        shell: Runs the tasks.
        env: Texts, numbers, flags, `valueFrom` mappings, or outputs of other jobs; the job sees these and a minimal base.
        args: After the command, or after the tasks' script.
        command: Instead of tasks: overrides the image's entry point.
        image_pull_policy: `IfNotPresent`, `Always` or `Never`.
        image_pull_secrets: Names of Kubernetes secrets.
        mount_path: Where the source stands.
        use_source: Whether it wants the source.
        timeout: Seconds after which it is killed.
        privileged: Whether it may do anything; the project and the operator must allow it.
        service_account: Of its pod.
        annotations: Of its pod.
        resources: Requests and limits.
        host: Where its pod may run.
        cache: A folder that is kept between builds.
        storage: A folder that the jobs of a build share.
        volumes: Kubernetes volumes.
        volume_mounts: Where they stand.
        docker: Access to a Docker daemon.
        sidecars: Containers beside it, by name.
        fallible: Its failure fails neither its group nor its build.
        working_directory: Where it starts; None: where the source is.
        retries: How often it is tried again when it fails, is lost, or its time is up.
        retry_delay: Seconds before the first of them; each further one waits twice as long, at most five minutes.
        artifacts: Globs below the working directory: what is kept for other jobs when it succeeds.
        inputs: Jobs whose last runs' artifacts it wants in its source.

    Raises:
        JobDefinitionError: A field has a wrong type or value.
    """

    name: str
    image: str | None
    tasks: list[str]
    shell: str
    env: dict[str, EnvValue]
    args: list[str]
    command: list[str]
    image_pull_policy: str
    image_pull_secrets: list[str]
    mount_path: str
    use_source: bool
    timeout: float
    privileged: bool
    service_account: str | None
    annotations: dict[str, str]
    resources: Resources
    host: Host
    cache: Cache
    storage: Storage
    docker: Docker
    volumes: list[dict[str, Any]]
    volume_mounts: list[dict[str, Any]]
    sidecars: dict[str, dict[str, Any]]
    fallible: bool
    working_directory: str | None
    retries: int
    retry_delay: float
    artifacts: list[str]
    inputs: list[Input]

    _takes: ClassVar[Mapping[str, Take]] = {
        "name": lambda _name, value: job_name(value),
        "image": fields.text_or_none,
        "tasks": fields.texts,
        "shell": fields.text,
        "env": variables,
        "args": fields.words,
        "command": fields.words,
        "image_pull_policy": fields.pull_policy,
        "image_pull_secrets": fields.texts,
        "mount_path": fields.path,
        "use_source": fields.flag,
        "timeout": fields.time_limit,
        "privileged": fields.flag,
        "service_account": fields.text_or_none,
        "annotations": fields.labels,
        "resources": option(Resources),
        "host": option(Host),
        "cache": option(Cache),
        "storage": option(Storage),
        "docker": option(Docker),
        "volumes": fields.tables,
        "volume_mounts": fields.tables,
        "sidecars": fields.tables_by_name,
        "fallible": fields.flag,
        "working_directory": fields.path_or_none,
        "retries": fields.whole,
        "retry_delay": fields.seconds,
        "artifacts": fields.texts,
        "inputs": _inputs,
    }

    def __init__(
        self,
        name: str,
        image: str | None = None,
        tasks: str | Sequence[str] = (),
        *,
        shell: str = "/bin/sh",
        env: Mapping[str, EnvValue] | None = None,
        args: Sequence[str] = (),
        command: Sequence[str] = (),
        image_pull_policy: str = "IfNotPresent",
        image_pull_secrets: str | Sequence[str] = (),
        mount_path: str | PathLike[str] = "/src",
        use_source: bool = True,
        timeout: float = 900,
        privileged: bool = False,
        service_account: str | None = None,
        annotations: Mapping[str, str] | None = None,
        resources: Resources | Mapping[str, Any] | None = None,
        host: Host | Mapping[str, Any] | None = None,
        cache: Cache | Mapping[str, Any] | bool | None = None,
        storage: Storage | Mapping[str, Any] | bool | None = None,
        docker: Docker | Mapping[str, Any] | bool | None = None,
        volumes: Sequence[Mapping[str, Any]] = (),
        volume_mounts: Sequence[Mapping[str, Any]] = (),
        sidecars: Mapping[str, Mapping[str, Any]] | None = None,
        fallible: bool = False,
        working_directory: str | PathLike[str] | None = None,
        retries: int = 0,
        retry_delay: float = 1,
        artifacts: str | Sequence[str] = (),
        inputs: Input | Sequence[Input] = (),
    ) -> None:
        given: dict[str, Any] = {
            **locals(),
            "env": env or {},
            "annotations": annotations or {},
            "sidecars": sidecars or {},
        }
        for field in self._takes:
            setattr(self, field, given[field])

    def run(self, *, fresh: bool = False, owner: Started[Any] | None = None) -> JobHandle:
        """Start it, and return at once.

        Args:
            fresh: While debugging a build: run it though it is remembered.
            owner: The group that answers for it; else the scope in which it is started does.

        Raises:
            JobDefinitionError: It cannot be started as it is written.
        """
        self._last = start(self, owner=owner, fresh=fresh)
        return self._last

    def check(self) -> dict[str, Any]:
        """All fields as they are now, each checked.

        Raises:
            JobDefinitionError: A list or a dict was changed to something that its field does not take.
        """
        return {name: take(name, getattr(self, name)) for name, take in self._takes.items()}

    def output(self, name: str) -> Output:
        """An output of its last run, for another job's `env`; it is read when that job is run."""
        return Output(self, name)

    def __repr__(self) -> str:
        image = f", {self.image!r}" if self.image else ""
        return f"Job({self.name!r}{image})"
