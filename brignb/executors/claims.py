"""What every executor checks of a specification in the same way: identifiers that become names, and folders that must have a place.

A sentence for each thing that is wrong; it starts with the field's name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final

from brignb.model.jobs import JobSpec
from brignb.model.names import is_id, is_job_id

_SYSTEM: Final = ("/proc", "/sys", "/dev")
"""Where no folder of a job can stand."""


def names(spec: JobSpec) -> Iterator[str]:
    """Of identifiers: they become names of folders, pods and claims."""
    for field, identifier in (("id", spec.id), *(("inputs", other) for other in spec.inputs)):
        if not is_job_id(identifier):
            yield f"{field}: {identifier!r:.80} is not a job's id"
    if not spec.id.startswith(f"{spec.name}-"):
        yield f"name: {spec.name!r:.80} is not the one in the id"
    if not is_id(spec.build_id):
        yield f"build_id: {spec.build_id!r:.80} is not a build's id"


def places(spec: JobSpec, own: Mapping[str, str], *, without: str = "") -> Iterator[str]:
    """Of folders that cannot stand where they should.

    Args:
        spec: The job.
        own: Places that are taken already, and by what.
        without: Characters that a path cannot have.
    """
    taken = {PurePosixPath(place): by for place, by in own.items()}
    wanted = {"mount_path": spec.mount_path} if spec.use_source and spec.source else {}
    wanted |= {"storage": spec.storage.path} if spec.storage.enabled else {}
    wanted |= {"cache": spec.cache.path} if spec.cache.enabled else {}
    for field, text in wanted.items():
        place = PurePosixPath(os.path.normpath(text))
        if not place.is_absolute() or ".." in PurePosixPath(text).parts or set(without) & set(text):
            yield f"{field}: {text!r:.80} is not an absolute path"
        elif len(place.parts) == 1 or any(place.is_relative_to(folder) for folder in _SYSTEM):
            yield f"{field}: nothing can stand at {text}"
        elif place in taken:
            yield f"{field}: {text} is {taken[place]} already"
        taken[place] = f"the place of {field}"
