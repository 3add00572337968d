"""Both locks for what is dangerous: the project's and the operator's (contract, "Project file"). Pure.

| asked for | operator's lock | project's |
|---|---|---|
| `privileged`, of the job or of a sidecar | `privileged` | `allowPrivilegedJobs` |
| a volume of the node's, of a claim, of a driver: whatever is not the job's alone | `host-mounts` | `allowHostMounts` |
| `docker` | `docker-socket` | `allowHostMounts` |
| a service account, by name or by a volume with its token | `service-account` | `allowServiceAccounts` |
| a Secret of the cluster, in `env` or as a volume | none | `kubernetes.allowSecretKeyRef` |
| a Secret of the server's, of a project's or of a worker's | refused, where a server starts the job | |

What must never happen: a way to another build's or project's anything that no lock is asked about. So kinds of volumes and references
that are not known to be harmless count as dangerous.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from brignb.model.jobs import JobSpec
from brignb.model.projects import Policy

OWN_VOLUMES: Final = frozenset({"emptyDir", "configMap", "downwardAPI", "ephemeral"})
"""Kinds of volumes that are the job's alone, or hold nothing secret."""
FRESH: Final = frozenset({"accessModes", "resources", "storageClassName", "volumeMode"})
"""What an ephemeral claim may say of itself: with anything else it can be a copy of another claim, or another's volume."""
RESERVED: Final = ("brignb", "brigade-")
"""How the names of Secrets begin that no job reads, whatever its project allows: the server's own, projects', workers'."""
OPEN_REFERENCES: Final = frozenset({"configMapKeyRef", "fieldRef", "resourceFieldRef"})
"""Kinds of references that lead to nothing secret."""
DEFAULT_ACCOUNT: Final = "default"
"""Whose token a volume has, where the job names no account."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Something dangerous that a specification asks for.

    Args:
        field: Of the specification.
        lock: The operator's; None: there is none.
        agreed: Whether the project allows it.
        key: Of the project file.
    """

    field: str
    lock: str | None
    agreed: bool
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """See the module.

    Args:
        project: The project's; None: it has said nothing, so Brigade v1's defaults hold.
        operator: The operator's; None: whoever asks uses a kubeconfig of their own, and the cluster's RBAC is the lock.
    """

    project: Policy | None = None
    operator: frozenset[str] | None = None

    def locked(self, spec: JobSpec) -> list[str]:
        """A sentence, begun with the field's name, for each thing that the specification asks for and a lock keeps shut."""
        said: dict[str, None] = {}
        for ask in self._asked(spec):
            if not ask.agreed:
                said[f"{ask.field}: the project does not allow it ({ask.key} in the project file)"] = None
            elif ask.lock and self.operator is not None and ask.lock not in self.operator:
                said[f"{ask.field}: the operator does not allow it (serve --allow {ask.lock})"] = None
        return list(said)

    def _asked(self, spec: JobSpec) -> Iterator[Ask]:
        policy = self.project or Policy()
        privileged = {"privileged": spec.privileged}
        privileged |= {"sidecars": any(fields.get("privileged") for fields in spec.sidecars.values())}
        for field in (field for field, wanted in privileged.items() if wanted):
            yield Ask(field, "privileged", policy.allow_privileged_jobs, "allowPrivilegedJobs")
        if spec.docker.enabled:
            yield Ask("docker", "docker-socket", policy.allow_host_mounts, "allowHostMounts")
        if spec.service_account is not None:
            yield self._account("service_account", spec.service_account, policy)
        if self.operator is not None and (names := [name for name in _secrets(spec) if name.startswith(RESERVED)]):
            yield Ask(f"env, volumes: {names[0]}", None, False, "nothing in a project")
        for value in spec.env.values():
            if isinstance(value, Mapping) and not set(value) <= OPEN_REFERENCES:
                yield self._secret("env", policy)
        for volume in spec.volumes:
            yield from self._volume(volume, spec, policy)

    def _volume(self, volume: Mapping[str, Any], spec: JobSpec, policy: Policy) -> Iterator[Ask]:
        for kind in set(volume) - {"name"} - (OWN_VOLUMES if _fresh(volume) else OWN_VOLUMES - {"ephemeral"}):
            if kind == "secret":
                yield self._secret("volumes", policy)
            elif kind == "projected":
                yield from self._projected(volume[kind], spec, policy)
            elif kind == "hostPath" or self.operator is not None:
                yield Ask("volumes", "host-mounts", policy.allow_host_mounts, "allowHostMounts")

    def _projected(self, projected: Any, spec: JobSpec, policy: Policy) -> Iterator[Ask]:
        sources = projected.get("sources", ()) if isinstance(projected, Mapping) else ()
        for kind in (kind for source in sources if isinstance(source, Mapping) for kind in source):
            if kind == "serviceAccountToken":
                yield self._account("volumes", spec.service_account or DEFAULT_ACCOUNT, policy)
            elif kind not in OWN_VOLUMES:
                yield self._secret("volumes", policy)

    def _account(self, field: str, account: str, policy: Policy) -> Ask:
        agreed = account in policy.allow_service_accounts or self.operator is None
        return Ask(field, "service-account", agreed, "allowServiceAccounts")

    def _secret(self, field: str, policy: Policy) -> Ask:
        return Ask(field, None, policy.allow_secret_key_ref or self.operator is None, "kubernetes.allowSecretKeyRef")


def _fresh(volume: Mapping[str, Any]) -> bool:
    """Whether a volume's ephemeral claim, if it has one, begins empty."""
    if "ephemeral" not in volume:
        return True
    ephemeral = volume["ephemeral"]
    template = ephemeral.get("volumeClaimTemplate") if isinstance(ephemeral, Mapping) else None
    spec = template.get("spec") if isinstance(template, Mapping) else None
    return isinstance(spec, Mapping) and set(spec) <= FRESH


def _secrets(spec: JobSpec) -> Iterator[str]:
    """The names of all Secrets that a specification refers to, wherever they stand."""
    places: list[Any] = [*spec.env.values(), *spec.volumes, *spec.sidecars.values()]
    while places:
        place = places.pop()
        if isinstance(place, Mapping):
            for key, value in place.items():
                if key in {"secretKeyRef", "secretRef", "secret", "nodePublishSecretRef"} and isinstance(
                    value, Mapping
                ):
                    yield from (str(name) for name in (value.get("name"), value.get("secretName")) if name)
                places.append(value)
        elif isinstance(place, list | tuple):
            places += place
