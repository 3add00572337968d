"""What the Kubernetes executor says of a job before it makes anything of it; what only the cluster can know is said by its `reason`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from brignb.executors import claims
from brignb.executors.artifacts import leaves
from brignb.executors.kubernetes.locks import Rules
from brignb.executors.kubernetes.naming import ARTIFACTS, HOOK, MAIN, RUN, SOURCE
from brignb.executors.kubernetes.pod import shared, working_directory
from brignb.model.jobs import SENT, JobSpec, Support

SECRET_MAX: Final = 1024 * 1024
"""Bytes of a Kubernetes Secret."""
SIDECAR: Final = frozenset(
    {
        "image",
        "imagePullPolicy",
        "workingDirectory",
        "command",
        "arguments",
        "environment",
        "privileged",
        "sourceMountPath",
    }
)
"""Fields of a sidecar: Brigade v2's of a container."""

_VARIABLE = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*\Z")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")
_OWN: Final = {HOOK: "brignb's own", RUN: "brignb's own"}


def support(spec: JobSpec, rules: Rules) -> Support:
    """Reports and refusals, each a sentence that starts with the field's name."""
    refusals = (*_shape(spec), *_texts(spec), *_names(spec), *_places(spec), *_sidecars(spec), *rules.locked(spec))
    return Support(tuple(_reports(spec)), refusals)


def _reports(spec: JobSpec) -> Iterator[str]:
    if spec.artifacts and not shared(spec, working_directory(spec) or "/"):
        yield f"artifacts: none are taken from {working_directory(spec)}, which only the job's own container has"


def _shape(spec: JobSpec) -> Iterator[str]:
    if not spec.image:
        yield "image: none, and a pod is made of one"
    if spec.tasks and spec.command:
        yield "command: a job has tasks or a command, not both"
    if not spec.tasks and (spec.artifacts or spec.inputs):
        field = "artifacts" if spec.artifacts else "inputs"
        yield f"{field}: a job without tasks is its image's own program, which tells nobody when it has left them"
    size = len(spec.script().encode("utf-8", "replace")) + sum(
        len(value.encode("utf-8", "replace")) for value in spec.env.values() if isinstance(value, str)
    )
    if size > SECRET_MAX - 4096:
        yield f"env: tasks and variables are {size:,} bytes together, and a Kubernetes Secret takes {SECRET_MAX:,}; put large ones into the source"


def _texts(spec: JobSpec) -> Iterator[str]:
    """What no container takes as an argument or a variable. Values stay unsaid: they may be secrets."""
    for name, value in spec.env.items():
        if not _VARIABLE.match(name):
            yield f"env: {name!r:.80} is not a variable's name that Kubernetes takes"
        elif isinstance(value, str) and not _fits(value):
            yield f"env: the value of {name} holds a NUL or no text"
    for field in ("shell", "mount_path", "working_directory"):
        if not _fits(getattr(spec, field) or ""):
            yield f"{field}: it holds a NUL or no text"
    for field in ("args", "command"):
        if not all(map(_fits, getattr(spec, field))):
            yield f"{field}: it holds a NUL or no text"


def _names(spec: JobSpec) -> Iterator[str]:
    yield from claims.names(spec)
    if not _LABEL.match(spec.namespace):
        yield f"namespace: {spec.namespace!r:.80} is not a namespace's name"


def _places(spec: JobSpec) -> Iterator[str]:
    """Folders that cannot stand where they should, and globs that lead out of theirs."""
    yield from claims.places(spec, _OWN, without=":")
    if spec.use_source and spec.source not in {None, SENT} and not Path(str(spec.source)).is_dir():
        yield f"source: {spec.source} is not there"
    for glob in spec.artifacts:
        if leaves(glob) or not _fits(glob) or "\n" in glob:
            yield f"artifacts: {glob!r:.80} does not stay in the working directory"
    names = {volume.get("name") for volume in spec.volumes}
    for volume in spec.volumes:
        if not isinstance(volume.get("name"), str) or str(volume["name"]).startswith("brignb-"):
            yield f"volumes: {volume.get('name')!r:.80} cannot be a volume's name"
    for mount in spec.volume_mounts:
        if mount.get("name") not in names:
            yield f"volume_mounts: there is no volume {mount.get('name')!r:.80}"


def _sidecars(spec: JobSpec) -> Iterator[str]:
    for name, fields in spec.sidecars.items():
        if not _LABEL.match(name) or name in {MAIN, SOURCE, ARTIFACTS}:
            yield f"sidecars: {name!r:.80} cannot be a container's name"
        if not isinstance(fields.get("image"), str):
            yield f"sidecars: {name} has no image"
        if unknown := sorted(set(fields) - SIDECAR):
            yield f"sidecars: {name} has fields that are not known: {', '.join(unknown)}; there are {', '.join(sorted(SIDECAR))}"
        environment = fields.get("environment", {})
        if not isinstance(environment, Mapping) or not all(isinstance(value, str) for value in environment.values()):
            yield f"sidecars: {name}: environment takes texts by name"


def _fits(text: str) -> bool:
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False
