"""What a job has in the cluster besides its pod: a Secret with its scripts and variables, claims for storage and cache. Pure."""

from __future__ import annotations

from typing import Any

from brignb.executors.kubernetes.naming import cache_claim, claim_labels, labels, storage_claim
from brignb.executors.kubernetes.settings import Settings
from brignb.executors.kubernetes.wrapper import MAIN_SCRIPT, WRAPPER, wrapper
from brignb.model.jobs import JobSpec


def secret(spec: JobSpec, settings: Settings, *, nonce: str, waits: bool) -> dict[str, Any] | None:
    """The job's Secret, named as its pod (Brigade v1); None when it needs none."""
    data = {f"env.{name}": value for name, value in spec.env.items() if isinstance(value, str)}
    if spec.tasks:
        data[MAIN_SCRIPT] = spec.script()
        data[WRAPPER] = wrapper(nonce, spec.shell, waits=waits)
    if not data:
        return None
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "brigade.sh/job",
        "immutable": True,
        "metadata": {"name": spec.id, "labels": labels(spec, settings.server)},
        "stringData": data,
    }


def claims(spec: JobSpec, settings: Settings) -> list[dict[str, Any]]:
    """Those that the job wants; they may be there already."""
    found = []
    if spec.storage.enabled:
        name, size = storage_claim(spec), settings.storage_size
        found.append(_claim(name, size, settings.storage_class, "buildStorage", spec, settings))
    if spec.cache.enabled:
        storage_class = settings.storage_class if settings.cache_class is None else settings.cache_class
        found.append(_claim(cache_claim(spec), spec.cache.size, storage_class, "jobCache", spec, settings))
    return found


def _claim(
    name: str, size: str, storage_class: str, component: str, spec: JobSpec, settings: Settings
) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "labels": claim_labels(spec, component, settings.server)},
        "spec": {
            "accessModes": [settings.access_mode],
            "resources": {"requests": {"storage": size}},
            **({"storageClassName": storage_class} if storage_class else {}),
        },
    }


def owned_by(pod: dict[str, Any]) -> dict[str, Any]:
    """A patch: with the pod goes its Secret."""
    meta = pod["metadata"]
    owner = {"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"]}
    return {"metadata": {"ownerReferences": [owner]}}
