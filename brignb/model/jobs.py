"""What a job is, as a plain value: what the author's `Job` becomes when it is run, and what an executor gets.

A `JobSpec` can be written as JSON and sent to another machine; secrets stand in `env` as values, since the one who starts the
job needs them, and `repr` hides them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from brignb.model.builds import State
from brignb.model.logs import LogLine

SENT: Final = "(sent)"
"""Stands for the source of a job whose files come after its specification, from another machine."""
_OF_A_RUN: Final = frozenset({"id", "build_id", "attempt", "source"})
"""Fields that are another run's, not another job's."""


@dataclass(frozen=True, slots=True)
class Resources:
    """Requests and limits, in Kubernetes' quantities (`500m`, `1Gi`)."""

    requests: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Host:
    """Where a pod may run (Brigade v1's `job.host`)."""

    os: str | None = None
    name: str | None = None
    node_selector: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cache:
    """A folder kept between builds, per project and job name (Brigade v1's `job.cache`)."""

    enabled: bool = False
    size: str = "5Mi"
    path: str = "/mnt/brigade/cache"


@dataclass(frozen=True, slots=True)
class Storage:
    """A folder shared by the jobs of one build (Brigade v1's `job.storage`)."""

    enabled: bool = False
    path: str = "/mnt/brigade/share"


@dataclass(frozen=True, slots=True)
class Docker:
    """Access to a Docker daemon (Brigade v1's `job.docker`)."""

    enabled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """One run of one job.

    Args:
        id: `<name>-<ulid>`; an executor creates or adopts by it.
        attempt: The build's.
        command: Overrides the image's entry point (Brigade v2); mutually exclusive with `tasks`.
        tasks: Shell lines, joined as Brigade v1 does.
        args: After the command, or after the script.
        env: What the job sees besides a minimal base; a mapping value is Kubernetes' `valueFrom`.
        source: A folder of this machine that is mounted at `mount_path`, or `SENT`; None without `use_source`.
        timeout: Seconds from start, after which it is killed.
        inputs: Ids of jobs of this build whose artifacts it wants.
        artifacts: Globs below the working directory, collected when it succeeds.
    """

    id: str
    name: str
    build_id: str
    project: str
    namespace: str = "default"
    attempt: int = 1
    image: str | None = None
    tasks: tuple[str, ...] = ()
    shell: str = "/bin/sh"
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: Mapping[str, str | Mapping[str, Any]] = field(default_factory=dict, repr=False)
    image_pull_policy: str = "IfNotPresent"
    image_pull_secrets: tuple[str, ...] = ()
    mount_path: str = "/src"
    use_source: bool = True
    source: str | None = None
    working_directory: str | None = None
    timeout: float = 900.0
    privileged: bool = False
    service_account: str | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    resources: Resources = field(default_factory=Resources)
    host: Host = field(default_factory=Host)
    cache: Cache = field(default_factory=Cache)
    storage: Storage = field(default_factory=Storage)
    docker: Docker = field(default_factory=Docker)
    volumes: tuple[Mapping[str, Any], ...] = ()
    volume_mounts: tuple[Mapping[str, Any], ...] = ()
    sidecars: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    artifacts: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()

    def script(self) -> str:
        """`main.sh` as Brigade v1 writes it: shebang, the shell's strict mode, the tasks, one a line."""
        strict = {"/bin/sh": "set -e\n", "/bin/bash": "set -eo pipefail\n"}.get(self.shell, "")
        return f"#!{self.shell}\n\n{strict}" + "\n".join(self.tasks) + "\n"

    def digest(
        self, *, commit: str | None, redact: Callable[[Any], Any], inputs: Sequence[str | None] = ()
    ) -> str | None:
        """What tells whether another run would be the same job: of its definition, its environment and its source's commit.

        Ids and places of this machine are left out, and secrets' values are masked first, so that it says nothing of them.

        Args:
            commit: Whose files are its source; None: nobody knows.
            redact: Masks secrets in a JSON value.
            inputs: The digests of the jobs in `inputs`.

        Returns:
            SHA-256, in hex; None when it leaves what is not kept (storage that jobs share), or reads what nobody knows.
        """
        unknown = len(inputs) != len(self.inputs) or None in inputs or (self.use_source and commit is None)
        if unknown or self.storage.enabled:
            return None
        facts = {name: value for name, value in self.to_json().items() if name not in _OF_A_RUN}
        facts |= {"commit": commit if self.use_source else None, "inputs": list(inputs)}
        whole = json.dumps(redact(facts), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """A JSON object; `from_json` takes it back. It holds the job's secrets."""
        plain: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        for name in ("resources", "host", "cache", "storage", "docker"):
            plain[name] = asdict(plain[name])
        return {name: dict(value) if isinstance(value, Mapping) else value for name, value in plain.items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> JobSpec:
        """The inverse of `to_json`."""
        shapes: dict[str, Callable[..., Any]] = {
            "resources": Resources,
            "host": Host,
            "cache": Cache,
            "storage": Storage,
            "docker": Docker,
        }
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in data.items()
        }
        return cls(**{name: shapes[name](**value) if name in shapes else value for name, value in values.items()})


@dataclass(frozen=True, slots=True)
class Support:
    """What an executor says of a JobSpec before it starts it.

    Args:
        reports: Fields it cannot give but runs without, each a sentence that starts with the field's name.
        refusals: Fields it will not run without, likewise.
    """

    reports: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookmark:
    """How far somebody was told a job's log, so that another process goes on there when the one that told it is gone.

    Lines are numbered as they were told, which no second reading of a log repeats; its bytes and their times are the same each time.

    Args:
        lines: Their number.
        at: Milliseconds since 1970, by the log's own clock; None: its beginning.
        size: Bytes of the log that were told, from the first one of that time on.
    """

    lines: int = 0
    at: int | None = None
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """What is known of a job now. Times are milliseconds since 1970.

    Args:
        exit_code: As a shell gives it, 128 + signal when a signal ended it; None while it runs and when it has none.
        reason: `exit_code`, `signal`, `timeout`, `canceled`, `oom`, … ; None when it succeeded.
        message: A sentence for people.
        stage: Where a pending or running job is, in one word, if its executor has stages: `scheduling`, `pulling`, `starting`, `running`.
        outputs: What it wrote to `$BRIGNB_OUTPUT`.
        artifacts: Paths, below the artifact folder of the job, that were collected.
    """

    state: State
    exit_code: int | None = None
    reason: str | None = None
    message: str | None = None
    stage: str | None = None
    started_at: int | None = None
    finished_at: int | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)
    artifacts: tuple[str, ...] = ()

    @property
    def succeeded(self) -> bool:
        """Whether it ended well."""
        return self.state is State.SUCCEEDED

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        return {**plain, "state": str(self.state), "outputs": dict(self.outputs), "artifacts": list(self.artifacts)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> JobStatus:
        """The inverse of `to_json`."""
        return cls(**{**data, "state": State(data["state"]), "artifacts": tuple(data["artifacts"])})


@dataclass(frozen=True, slots=True)
class Heard:
    """What a follower of a job hears.

    Args:
        lines: New ones.
        bookmark: The place after them.
        status: How the job is then.
        ended: Whether nothing more comes.
    """

    lines: Sequence[LogLine]
    bookmark: Bookmark
    status: JobStatus
    ended: bool = False
