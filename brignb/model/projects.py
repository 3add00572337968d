"""Projects: a name, a repository, secrets and policy.

`brignb.model.projectfile` reads one from YAML; here is only what it is. `Project` holds clear-text secrets in memory; `public()`
is what may be shown, and what is stored beside the encrypted rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from brignb.model.names import project_id

DEFAULT_NOTEBOOK: Final = "brignb.ipynb"
DEFAULT_TIMEOUT: Final = 3600
SECRET_FIELDS: Final = (
    "shared_secret",
    "registry_secret",
    "generic_gateway_secret",
    "github_token",
    "ssh_key",
    "ssh_cert",
)
"""Fields that are secret besides `secrets`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The project's locks for what is dangerous; an absent one keeps Brigade v1's default."""

    allow_privileged_jobs: bool = True
    allow_host_mounts: bool = False
    allow_service_accounts: tuple[str, ...] = ()
    allow_secret_key_ref: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one build may take of the machine.

    Args:
        memory: Bytes; None: as much as there is.
        processes: Processes and threads at a time.
    """

    memory: int | None = None
    processes: int = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputLimits:
    """What of a build's output the record takes; the rest goes to files beside it (`engine.seam.Plan` has the same fields).

    Args:
        cell_bytes: Of a cell's output.
        cell_displays: Displays of a cell.
        run_bytes: Of all cells' outputs together.
    """

    cell_bytes: int = 4 * 1024 * 1024
    cell_displays: int = 1000
    run_bytes: int = 64 * 1024 * 1024


PARTS: Final[Mapping[str, Callable[..., Any]]] = {
    "policy": Policy,
    "limits": Limits,
    "output_limits": OutputLimits,
}
"""Fields of a project that have fields of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project as the server and a worker know it.

    Args:
        name: `owner/repo`.
        clone_url: Any URL that git takes; None: there is no source, only `default_notebook`.
        namespace: Of its Kubernetes objects.
        shared_secret: Signs GitHub's webhooks; None or empty refuses all of them.
        registry_secret: What a registry's webhook must show; None takes unsigned calls.
        generic_gateway_secret: The secret in the simple-event and CloudEvents URLs.
        secrets: By name, in clear text.
        notebook: Path in the repository, at the event's commit.
        default_notebook: A notebook's text, for projects whose repository has none.
        executor: `process`, `podman`, `kubernetes`; None: the server's.
        tier: What executes the notebook: `fork`, `kernel`, `cold`; `auto`: the notebook decides.
        preload: Modules that are imported before a build comes, where the tier allows it.
        timeout: Of a build, seconds.
        retries: Of a build that was lost half-way.
        warm_workers: Pods that wait for its builds, where workers are pods; 0: each build gets a pod of its own.
        kept_in: The Kubernetes namespace whose Secret, named by `id`, it is read from; None: the API registered it.
        leaving: That Secret is gone: it takes no more events, and goes when its last build has ended.
        v1: What else Brigade v1's project file said, kept as it was written.
    """

    name: str
    clone_url: str | None = None
    namespace: str = "default"
    repository: str | None = None
    notebook: str = DEFAULT_NOTEBOOK
    default_notebook: str | None = None
    executor: str | None = None
    tier: str = "auto"
    preload: tuple[str, ...] = ()
    timeout: int = DEFAULT_TIMEOUT
    retries: int = 0
    warm_workers: int = 0
    init_submodules: bool = False
    policy: Policy = field(default_factory=Policy)
    limits: Limits = field(default_factory=Limits)
    output_limits: OutputLimits = field(default_factory=OutputLimits)
    image_pull_secrets: tuple[str, ...] = ()
    service_account: str | None = None
    kept_in: str | None = None
    leaving: bool = False
    v1: Mapping[str, Any] = field(default_factory=dict)
    shared_secret: str | None = field(default=None, repr=False)
    registry_secret: str | None = field(default=None, repr=False)
    generic_gateway_secret: str | None = field(default=None, repr=False)
    github_token: str | None = field(default=None, repr=False)
    ssh_key: str | None = field(default=None, repr=False)
    ssh_cert: str | None = field(default=None, repr=False)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def id(self) -> str:
        """Brigade v1's id."""
        return project_id(self.name)

    def secret_values(self) -> tuple[str, ...]:
        """Every value that must never be shown."""
        own = (getattr(self, name) for name in SECRET_FIELDS)
        return tuple(v for v in (*own, *self.secrets.values()) if v)

    def sealed(self) -> dict[str, Any]:
        """The secret half, to be encrypted; `opened` puts it back."""
        return {"secrets": dict(self.secrets), **{n: getattr(self, n) for n in SECRET_FIELDS if getattr(self, n)}}

    def opened(self, sealed: Mapping[str, Any]) -> Project:
        """This project with its secret half."""
        return replace(self, **sealed)

    def stored(self) -> dict[str, Any]:
        """The half that is no secret; `from_stored` takes it back."""
        hidden = {*SECRET_FIELDS, *PARTS, "secrets", "v1"}
        plain = {name: getattr(self, name) for name in self.__slots__ if name not in hidden}
        return {**plain, **{part: asdict(getattr(self, part)) for part in PARTS}, "v1": dict(self.v1)}

    @classmethod
    def from_stored(cls, data: Mapping[str, Any]) -> Project:
        """The inverse of `stored`; what an older brignb did not know yet has its default."""
        values = {name: _value(value) for name, value in data.items() if name not in PARTS}
        for part, make in PARTS.items():
            values[part] = make(**{name: _value(value) for name, value in data.get(part, {}).items()})
        return cls(**values)

    def public(self) -> dict[str, Any]:
        """What CLI and API show: secrets by name only."""
        return {
            "project": self.name,
            "id": self.id,
            "cloneURL": self.clone_url,
            "namespace": self.namespace,
            "keptIn": self.kept_in,
            "repository": self.repository,
            "notebook": self.notebook,
            "defaultNotebook": bool(self.default_notebook),
            "executor": self.executor,
            "tier": self.tier,
            "preload": list(self.preload),
            "limits": {"memory": self.limits.memory, "processes": self.limits.processes},
            "outputLimits": {
                "cellBytes": self.output_limits.cell_bytes,
                "cellDisplays": self.output_limits.cell_displays,
                "runBytes": self.output_limits.run_bytes,
            },
            "timeout": self.timeout,
            "retries": self.retries,
            "warmWorkers": self.warm_workers,
            "initGitSubmodules": self.init_submodules,
            "allowPrivilegedJobs": self.policy.allow_privileged_jobs,
            "allowHostMounts": self.policy.allow_host_mounts,
            "allowServiceAccounts": list(self.policy.allow_service_accounts),
            "secrets": dict.fromkeys(sorted(self.secrets), "REDACTED"),
            "sharedSecret": "REDACTED" if self.shared_secret else None,
            "registrySecret": "REDACTED" if self.registry_secret else None,
            "genericGatewaySecret": "REDACTED" if self.generic_gateway_secret else None,
        }


def _value(value: Any) -> Any:
    """What JSON made of it, put right."""
    return tuple(value) if isinstance(value, list) else value
