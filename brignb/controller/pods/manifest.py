"""A worker as a pod: pure, from a project to plain manifests.

    Project, Settings ──▶ cold(…), warm(…) ──▶ Secret (token, certificate, secrets), pod

The pod has no Kubernetes account, runs under the *restricted* profile with a root that cannot be written to, and reads what it must not
show (its token, a cold one the project's secrets) from a Secret's files, which its node keeps in memory. What must never happen: any of
that in the pod's own words, where everybody who may list pods reads it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from brignb.controller.pods.naming import MADE_OF, MAIN, Object, cold_labels, cold_name, warm_labels, warm_name
from brignb.controller.pods.settings import Settings
from brignb.model.builds import Build
from brignb.model.projects import Project

COMMAND: Final = ("brignb", "worker")
KNOWN: Final = "/etc/brignb"
"""Where the Secret's files are."""
WORK: Final = "/brignb"
"""A folder of the pod's own, and its HOME."""
BUILDS: Final = 200
"""What a warm worker takes before it ends and is replaced: whatever leaks, leaks no further."""
COLD_GRACE: Final = 30
"""Seconds between SIGTERM and SIGKILL of a worker with a build of its own: it ends the build within 20."""
_SPARE: Final = 30
"""Seconds above a build's timeout: a warm worker that is told to end finishes its build; a cold one has time to start, and to end it."""
_ITSELF: Final = 128 * 1024 * 1024
"""Bytes that the worker takes besides its build."""
_BRIGADES: Final = "brigade-worker"
"""Brigade v1's own image runs brigade.js, and no notebook."""
_TOKEN, _CA, _SECRETS = "token", "ca.crt", "secrets.json"
_LOCKED: Final[Object] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def cold(project: Project, build: Build, settings: Settings, *, token: str, authority: str) -> tuple[Object, Object]:
    """Secret and pod of one attempt of a build.

    Args:
        project: With its secrets.
        build: As it was claimed.
        settings: The operator's.
        token: Of the attempt.
        authority: What vouches for the API, PEM; empty: nothing of ours.
    """
    name, labels = cold_name(build.id, build.attempt), cold_labels(project, build.id, build.attempt, settings.mark)
    known = {**_known(token, authority), _SECRETS: json.dumps(dict(project.secrets))}
    spec = _spec(project, settings, name, ["--secrets-file", f"{KNOWN}/{_SECRETS}"], authority)
    limits = {"activeDeadlineSeconds": project.timeout + 2 * _SPARE, "terminationGracePeriodSeconds": COLD_GRACE}
    return _secret(name, labels, known), _pod(name, labels, {**spec, **limits})


def warm(project: Project, settings: Settings, *, random: str, token: str, authority: str) -> tuple[Object, Object]:
    """Secret and pod of a worker that waits for a project's builds; `random` is a part of their name."""
    name, labels = warm_name(project, random), warm_labels(project, settings.mark)
    spec = {
        **_spec(project, settings, name, _waiting(project), authority),
        "terminationGracePeriodSeconds": project.timeout + _SPARE,
    }
    pod = _pod(name, labels, spec)
    pod["metadata"]["annotations"] = {MADE_OF: made_of(project, settings, authority)}
    return _secret(name, labels, _known(token, authority)), pod


def made_of(project: Project, settings: Settings, authority: str) -> str:
    """What a warm worker of now is made of: its pod, and what it has imported before a build comes."""
    facts = [_spec(project, settings, "", _waiting(project), authority), project.timeout, authority]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def image(project: Project, settings: Settings) -> tuple[str, str]:
    """The worker's image and when it is pulled: Brigade v1's `worker.*`, where the project has an image of its own there."""
    name = str(project.v1.get("worker.name") or "")
    if not name or name.rpartition("/")[2] == _BRIGADES:
        return settings.image, settings.pull_policy
    registry, tag = (str(project.v1.get(f"worker.{part}") or "") for part in ("registry", "tag"))
    whole = f"{registry.rstrip('/')}/{name}" if registry else name
    return f"{whole}:{tag}" if tag else whole, str(project.v1.get("worker.pullPolicy") or "IfNotPresent")


def _waiting(project: Project) -> list[str]:
    """What a warm worker is told besides."""
    preload = ["--preload", ",".join(project.preload)] if project.preload else []
    return ["--builds", str(BUILDS), *preload]


def _known(token: str, authority: str) -> dict[str, str]:
    return {_TOKEN: token, **({_CA: authority} if authority else {})}


def _secret(name: str, labels: Mapping[str, str], data: Mapping[str, str]) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "brignb.dev/worker",
        "immutable": True,
        "metadata": {"name": name, "labels": dict(labels)},
        "stringData": dict(data),
    }


def _pod(name: str, labels: Mapping[str, str], spec: Object) -> Object:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": dict(labels)}, "spec": spec}


def _spec(project: Project, settings: Settings, name: str, more: list[str], authority: str) -> Object:
    pulled, policy = image(project, settings)
    vouched = ["--ca", f"{KNOWN}/{_CA}"] if authority else []
    names = [*project.image_pull_secrets, *filter(None, (each.strip() for each in settings.pull_secrets.split(",")))]
    worker = {
        "name": MAIN,
        "image": pulled,
        "imagePullPolicy": policy,
        "command": [*COMMAND],
        "args": [
            *("--server", settings.server, "--token-file", f"{KNOWN}/{_TOKEN}", *vouched),
            *("--work", WORK, "--name", name, *more),
        ],
        "env": [{"name": "HOME", "value": WORK}, {"name": "CI", "value": "true"}],
        "resources": _resources(project, settings),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": _LOCKED,
        "volumeMounts": [
            {"name": "known", "mountPath": KNOWN, "readOnly": True},
            {"name": "work", "mountPath": WORK},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the pod's own
        ],
    }
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "imagePullSecrets": [{"name": each} for each in names],
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": settings.uid,
            "runAsGroup": settings.uid,
            "fsGroup": settings.uid,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [worker],
        "volumes": [
            {"name": "known", "secret": {"secretName": name, "defaultMode": 0o440}},
            {"name": "work", "emptyDir": {}},
            {"name": "tmp", "emptyDir": {}},
        ],
    }


def _resources(project: Project, settings: Settings) -> dict[str, Any]:
    """The project's own limit of memory is its build's; the worker needs some besides."""
    own = project.limits.memory
    limits = {"memory": str(own + _ITSELF) if own else settings.memory, "cpu": settings.cpu}
    requests = {"memory": settings.memory_request, "cpu": settings.cpu_request}
    both = {"limits": limits, "requests": requests}
    return {
        kind: kept for kind, each in both.items() if (kept := {name: value for name, value in each.items() if value})
    }
