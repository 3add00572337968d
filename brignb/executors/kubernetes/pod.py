"""A specification as a pod: pure, from a JobSpec without refusals to a plain manifest.

    initContainers: source (receives a tar on its stdin), then sidecars, each restartable, so that they end with the job
    containers:     brigaderun (the job), artifacts (sends files when the job has ended)

Who may do what: the *restricted* profile of the Pod Security Standards, as a user without a name, unless `Settings` or a job that both
locks let through say otherwise.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from brignb.executors.kubernetes.naming import (
    ARTIFACTS,
    HOOK,
    MAIN,
    NONCE,
    RUN,
    SOURCE,
    cache_claim,
    labels,
    storage_claim,
)
from brignb.executors.kubernetes.settings import Settings
from brignb.executors.kubernetes.transfer import receiving, sending
from brignb.executors.kubernetes.wrapper import OUTPUT, WRAPPER
from brignb.model.jobs import JobSpec

START: Final = 10
"""Seconds that a pod may take to start, above the job's timeout: it is counted from the container's start while this process lives, and
from the moment its node took it by the node itself, which ends the pod of a process that was killed."""
Manifest = dict[str, Any]

_DOCKER: Final = "/var/run/docker.sock"
_LOCKED_DOWN: Final[Manifest] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def pod(spec: JobSpec, settings: Settings, *, nonce: str, waits: bool) -> Manifest:
    """The pod.

    Args:
        spec: Without refusals.
        settings: The operator's.
        nonce: Marks the wrapper's last lines.
        waits: Whether the wrapper waits for a word on its stdin.
    """
    init = [_source(spec, settings)] if brings(spec) else []
    init += [_sidecar(name, fields, spec, settings) for name, fields in spec.sidecars.items()]
    containers = [_main(spec, settings, waits=waits)]
    if spec.artifacts and shared(spec, working_directory(spec) or "/"):
        containers.append(_artifacts(spec, settings))
    facts = {
        "restartPolicy": "Never",
        "activeDeadlineSeconds": math.ceil(spec.timeout) + START,
        "terminationGracePeriodSeconds": settings.grace,
        "enableServiceLinks": False,
        "automountServiceAccountToken": spec.service_account is not None,
        "serviceAccountName": spec.service_account,
        "imagePullSecrets": [{"name": name} for name in spec.image_pull_secrets],
        "nodeSelector": _node_selector(spec),
        "nodeName": spec.host.name,
        "securityContext": _user(spec, settings),
        "volumes": _volumes(spec),
        "initContainers": init,
        "containers": containers,
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": spec.id,
            "labels": labels(spec, settings.server),
            "annotations": {**spec.annotations, NONCE: nonce},
        },
        "spec": _said(facts),
    }


def brings(spec: JobSpec) -> bool:
    """Whether anything is brought into the pod before it begins."""
    return _has_source(spec) or bool(spec.inputs)


def working_directory(spec: JobSpec) -> str | None:
    """Where the job starts; None: where its image says.

    In `working_directory`, taken from the source; else in the source; else in a folder of its own.
    """
    if not _has_source(spec) and not spec.tasks and not spec.working_directory:
        return None
    return os.path.normpath(PurePosixPath(_ground(spec)) / (spec.working_directory or ""))


def shared(spec: JobSpec, place: str) -> bool:
    """Whether other containers of the pod see a place of the job's."""
    folders = [RUN, *([spec.mount_path] if _has_source(spec) else [])]
    return any(PurePosixPath(place).is_relative_to(os.path.normpath(folder)) for folder in folders)


def _ground(spec: JobSpec) -> str:
    return spec.mount_path if _has_source(spec) else RUN


def _has_source(spec: JobSpec) -> bool:
    return spec.use_source and spec.source is not None


def _main(spec: JobSpec, settings: Settings, *, waits: bool) -> Manifest:
    command = ["/bin/sh", f"{HOOK}/{WRAPPER}"] if spec.tasks else [*spec.command]
    mounts = [{"name": "brignb-hook", "mountPath": HOOK, "readOnly": True}] if spec.tasks else []
    return _said(
        {
            "name": MAIN,
            "image": spec.image,
            "imagePullPolicy": spec.image_pull_policy,
            "command": [*map(_literal, command)],
            "args": [*map(_literal, spec.args)],
            "workingDir": working_directory(spec),
            "stdin": waits or None,
            "env": _environment(spec, settings),
            "resources": _said({"requests": dict(spec.resources.requests), "limits": dict(spec.resources.limits)}),
            "volumeMounts": [*mounts, *_folders(spec), *_job_mounts(spec)],
            "securityContext": _context(settings, privileged=spec.privileged),
        }
    )


def _source(spec: JobSpec, settings: Settings) -> Manifest:
    return {
        "name": SOURCE,
        "image": settings.helper_image,
        "imagePullPolicy": spec.image_pull_policy,
        "command": receiving(_ground(spec)),
        "stdin": True,
        "stdinOnce": True,
        "volumeMounts": _folders(spec),
        "securityContext": _context(settings, privileged=False),
    }


def _artifacts(spec: JobSpec, settings: Settings) -> Manifest:
    return {
        "name": ARTIFACTS,
        "image": settings.helper_image,
        "imagePullPolicy": spec.image_pull_policy,
        "command": sending(spec.artifacts),
        "workingDir": working_directory(spec),
        "volumeMounts": _folders(spec),
        "securityContext": _context(settings, privileged=False),
    }


def _sidecar(name: str, fields: Mapping[str, Any], spec: JobSpec, settings: Settings) -> Manifest:
    mounts = (
        [{"name": "brignb-source", "mountPath": fields["sourceMountPath"]}] if fields.get("sourceMountPath") else []
    )
    return _said(
        {
            "name": name,
            "image": fields["image"],
            "imagePullPolicy": fields.get("imagePullPolicy", spec.image_pull_policy),
            "restartPolicy": "Always",
            "command": [*fields.get("command", ())],
            "args": [*fields.get("arguments", ())],
            "workingDir": fields.get("workingDirectory"),
            "env": [{"name": key, "value": value} for key, value in fields.get("environment", {}).items()],
            "volumeMounts": mounts if _has_source(spec) else [],
            "securityContext": _context(settings, privileged=bool(fields.get("privileged"))),
        }
    )


def _environment(spec: JobSpec, settings: Settings) -> list[Manifest]:
    """Texts come from the job's Secret, references stay references; the base is what is not the image's to say."""
    base = {"BRIGNB_OUTPUT": OUTPUT} if spec.tasks else {}
    if _without_name(spec, settings):
        base["HOME"] = RUN  # its user has none
    base |= {"BRIGNB_STORAGE": spec.storage.path} if spec.storage.enabled else {}
    base |= {"BRIGNB_CACHE": spec.cache.path} if spec.cache.enabled else {}
    plain = [{"name": name, "value": value} for name, value in base.items() if name not in spec.env]
    return plain + [{"name": name, "valueFrom": _value(name, value, spec)} for name, value in spec.env.items()]


def _value(name: str, value: str | Mapping[str, Any], spec: JobSpec) -> Manifest:
    if isinstance(value, str):
        return {"secretKeyRef": {"name": spec.id, "key": f"env.{name}"}}
    return dict(value)


def _volumes(spec: JobSpec) -> list[Manifest]:
    found: list[Manifest] = [{"name": "brignb-run", "emptyDir": {}}]
    if spec.tasks:
        items = [{"key": key, "path": key} for key in ("main.sh", WRAPPER)]
        found.append({"name": "brignb-hook", "secret": {"secretName": spec.id, "defaultMode": 0o555, "items": items}})
    if _has_source(spec):
        found.append({"name": "brignb-source", "emptyDir": {}})
    if spec.storage.enabled:
        found.append({"name": "brignb-storage", "persistentVolumeClaim": {"claimName": storage_claim(spec)}})
    if spec.cache.enabled:
        found.append({"name": "brignb-cache", "persistentVolumeClaim": {"claimName": cache_claim(spec)}})
    if spec.docker.enabled:
        found.append({"name": "brignb-docker", "hostPath": {"path": _DOCKER, "type": "Socket"}})
    return [*found, *map(dict, spec.volumes)]


def _folders(spec: JobSpec) -> list[Manifest]:
    """Those that its containers share."""
    found = [{"name": "brignb-run", "mountPath": RUN}]
    if _has_source(spec):
        found.append({"name": "brignb-source", "mountPath": spec.mount_path})
    return found


def _job_mounts(spec: JobSpec) -> list[Manifest]:
    found: list[Manifest] = []
    if spec.storage.enabled:
        found.append({"name": "brignb-storage", "mountPath": spec.storage.path})
    if spec.cache.enabled:
        found.append({"name": "brignb-cache", "mountPath": spec.cache.path})
    if spec.docker.enabled:
        found.append({"name": "brignb-docker", "mountPath": _DOCKER})
    return [*found, *map(dict, spec.volume_mounts)]


def _user(spec: JobSpec, settings: Settings) -> Manifest:
    own = {
        "fsGroup": settings.uid,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    if not _without_name(spec, settings):
        return own
    return {**own, "runAsNonRoot": True, "runAsUser": settings.uid, "runAsGroup": settings.uid}


def _without_name(spec: JobSpec, settings: Settings) -> bool:
    """Whether it runs as a user without a name and without rights; else as its image says.

    Who may have the node's Docker daemon is as good as root there, and its socket is root's.
    """
    return settings.security == "restricted" and not spec.privileged and not spec.docker.enabled


def _context(settings: Settings, *, privileged: bool) -> Manifest:
    if privileged:
        return {"privileged": True}
    return _LOCKED_DOWN if settings.security == "restricted" else {}


def _node_selector(spec: JobSpec) -> dict[str, str]:
    return {**({"kubernetes.io/os": spec.host.os} if spec.host.os else {}), **spec.host.node_selector}


def _literal(word: str) -> str:
    """A word that Kubernetes does not expand: `$(NAME)` is the shell's, as it is for the other executors."""
    return word.replace("$(", "$$(")


def _said(facts: Mapping[str, Any]) -> Manifest:
    """Without what was left open."""
    return {name: value for name, value in facts.items() if value not in (None, [], {}, ())}
