"""What the process executor says of a job before it starts it: what it runs without, and what it will not run without."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Final

from brignb.executors import claims
from brignb.executors.artifacts import leaves
from brignb.executors.folders import HOOK, TMP
from brignb.model.jobs import Cache, Host, JobSpec, Resources, Support

_HERE: Final = "the process executor runs on this machine"

_OWN: Final = {str(HOOK): "brignb's own", str(TMP): "the job's own"}


def support(spec: JobSpec, *, no_sandbox: str | None, has_cache: bool) -> Support:
    """Reports and refusals, each a sentence that starts with the field's name.

    Args:
        spec: The job.
        no_sandbox: Why there is no sandbox; None when there is one.
        has_cache: Whether there is a folder for what is kept between builds.
    """
    reports = (*_unused(spec), *(_elsewhere(spec, no_sandbox) if no_sandbox else ()))
    refusals = (*_beyond(spec), *_texts(spec), *claims.names(spec), *claims.places(spec, _OWN), *_globs(spec))
    if spec.cache.enabled and not has_cache:
        refusals = (*refusals, "cache: there is no folder here for what is kept between builds")
    return Support(reports, refusals)


def _unused(spec: JobSpec) -> Iterator[str]:
    """What runs without being honoured."""
    if spec.image is not None:
        yield f"image: {spec.image} is not used; {_HERE}"
    if spec.privileged:
        yield f"privileged: not given; {_HERE}, as its own user"
    if spec.resources != Resources():
        yield "resources: not kept; the job takes what the machine has"
    if spec.host != Host():
        yield f"host: not asked for; {_HERE}"
    if spec.service_account is not None:
        yield f"service_account: {spec.service_account} is not used; there is no cluster"
    if spec.annotations:
        yield "annotations: not used; there is no pod to carry them"
    if spec.image_pull_policy != "IfNotPresent":
        yield "image_pull_policy: not used; no image is pulled"
    if spec.image_pull_secrets:
        yield "image_pull_secrets: not used; no image is pulled"
    if spec.cache.enabled and spec.cache.size != Cache().size:
        yield f"cache: its size, {spec.cache.size}, is not kept; it takes what the disk has"


def _elsewhere(spec: JobSpec, no_sandbox: str) -> Iterator[str]:
    """What stands in another place than the specification says, and why."""
    if spec.use_source and spec.source:
        yield f"mount_path: {spec.mount_path} is not there ({no_sandbox}); the job starts in the source's folder"
    if spec.storage.enabled:
        yield f"storage: {spec.storage.path} is not there ({no_sandbox}); it is $BRIGNB_STORAGE"
    if spec.cache.enabled:
        yield f"cache: {spec.cache.path} is not there ({no_sandbox}); it is $BRIGNB_CACHE"


def _beyond(spec: JobSpec) -> Iterator[str]:
    """What the process executor has not."""
    if not spec.tasks and not spec.command:
        yield "tasks: none, and an image's entry point cannot be run by the process executor"
    if spec.tasks and spec.command:
        yield "command: a job has tasks or a command, not both"
    for name in ("volumes", "volume_mounts", "sidecars"):
        if getattr(spec, name):
            yield f"{name}: the process executor has none"
    if spec.docker.enabled:
        yield "docker: the process executor gives no job a Docker daemon"
    for name, value in spec.env.items():
        if isinstance(value, Mapping):
            yield f"env: {name} takes its value from {', '.join(value) or 'nothing'}, which only Kubernetes knows"


def _texts(spec: JobSpec) -> Iterator[str]:
    """What the operating system cannot take as an argument or a variable. Values stay unsaid: they may be secrets."""
    for name, value in spec.env.items():
        if not name or "=" in name or not _fits(name):
            yield f"env: {name!r:.80} is not a variable's name"
        elif isinstance(value, str) and not _fits(value):
            yield f"env: the value of {name} holds a NUL or no text"
    for field in ("shell", "mount_path"):
        if not _fits(getattr(spec, field)):
            yield f"{field}: it holds a NUL or no text"
    for field in ("args", "command"):
        if not all(map(_fits, getattr(spec, field))):
            yield f"{field}: it holds a NUL or no text"
    if not _fits(spec.working_directory or ""):
        yield "working_directory: it holds a NUL or no text"


def _globs(spec: JobSpec) -> Iterator[str]:
    """Artifacts that lead out of the working directory."""
    for glob in spec.artifacts:
        if leaves(glob) or not _fits(glob):
            yield f"artifacts: {glob!r:.80} does not stay in the working directory"


def _fits(text: str) -> bool:
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False
