"""The folders of a job, and which of them stands where in its view.

    <work>/jobs/<job id>/hook/{main.sh,output}     at /hook, as in Brigade v1; private, gone when the job has ended
    <work>/jobs/<job id>/tmp                       at /tmp, likewise
    <work>/storage/<build id>                      at storage.path
    <work>/artifacts/<job id>                      what it left for other jobs of its build
    <cache>/<project id>/<job name>                at cache.path; outlives the build
    spec.source                                    at mount_path

A `Folders` knows both sides of each. Without a sandbox a job sees the machine's side; `inside` answers accordingly.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from brignb.executors.sandbox import Bind
from brignb.model.jobs import JobSpec
from brignb.model.names import project_id

HOOK: Final = Path("/hook")
TMP: Final = Path("/tmp")  # noqa: S108 - the job's own


@dataclass(frozen=True, slots=True)
class Folders:
    """Of one job.

    Args:
        private: Its own, gone when it has ended.
        artifacts: What its build keeps of it.
        binds: The machine's folder and the job's view of it, deepest views last.
        sandboxed: Whether the job has a view of its own.
        source: The checkout; None when the job has none.
    """

    private: Path
    artifacts: Path
    binds: tuple[Bind, ...]
    sandboxed: bool
    source: Path | None

    @property
    def script(self) -> Path:
        """`main.sh`, on the machine."""
        return self.private / "hook" / "main.sh"

    @property
    def output(self) -> Path:
        """What `$BRIGNB_OUTPUT` names, on the machine."""
        return self.private / "hook" / "output"

    @property
    def tmp(self) -> Path:
        """The job's /tmp, on the machine."""
        return self.private / "tmp"

    def owns(self, place: Path) -> bool:
        """Whether a place of the machine, all links followed, is one that the job may write to."""
        return any(place.resolve().is_relative_to(bind.source.resolve()) for bind in self.binds)

    def inside(self, place: Path) -> Path:
        """How the job calls a place of the machine."""
        if self.sandboxed:
            for bind in reversed(self.binds):
                if place.is_relative_to(bind.source):
                    return bind.target / place.relative_to(bind.source)
        return place

    def outside(self, place: Path) -> Path:
        """Where on the machine the place is that the specification calls so."""
        for bind in reversed(self.binds):
            if place.is_relative_to(bind.target) and (self.sandboxed or bind.target != TMP):
                return bind.source / place.relative_to(bind.target)
        return place

    def make(self) -> None:
        """Make what the executor owns of them, for nobody else to read."""
        for bind in self.binds:
            if bind.source != self.source:
                bind.source.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.output.touch(mode=0o600)

    def write_script(self, text: str) -> None:
        """`main.sh`, which may hold what only the job may know."""
        self.script.touch(mode=0o700)
        self.script.write_text(text, "utf-8", "surrogateescape")

    def clear(self) -> None:
        """Take the private ones away."""
        remove(self.private)


def remove(folder: Path) -> None:
    """Take a folder away, whatever modes are in it: Go's module cache is read-only, the kernel's part of an overlay cannot be listed."""
    try:
        shutil.rmtree(folder)
    except PermissionError:
        for at, names, _ in os.walk(folder):
            for inner in (Path(at, name) for name in names):
                if not inner.is_symlink():
                    inner.chmod(0o700)
        shutil.rmtree(folder)


def folders(spec: JobSpec, work: Path, cache: Path | None, *, sandboxed: bool) -> Folders:
    """The folders of a specification that `supports` has no refusals for."""
    private = work / "jobs" / spec.id
    source = Path(spec.source) if spec.use_source and spec.source else None
    binds = [Bind(private / "hook", HOOK, writable=True), Bind(private / "tmp", TMP, writable=True)]
    if source:
        binds.append(Bind(source, Path(spec.mount_path), writable=True))
    if spec.storage.enabled:
        binds.append(Bind(work / "storage" / spec.build_id, Path(spec.storage.path), writable=True))
    if spec.cache.enabled and cache:
        binds.append(Bind(cache / project_id(spec.project) / spec.name, Path(spec.cache.path), writable=True))
    return Folders(
        private=private,
        artifacts=work / "artifacts" / spec.id,
        binds=tuple(sorted(binds, key=lambda bind: len(bind.target.parts))),
        sandboxed=sandboxed,
        source=source,
    )


def working_directory(spec: JobSpec, place: Folders) -> Path:
    """Where the job starts, on the machine: in `working_directory`, taken from the source, else in the source, else in /tmp."""
    base = Path(spec.mount_path) if place.source else TMP
    named = place.outside(Path(os.path.normpath(base / (spec.working_directory or ""))))
    return place.tmp if named == TMP else named
