"""What a job runs: argv, environment and working directory, as it sees them.

The environment is the specification's, over this base, and nothing else: `PATH` (the executor's own), `LANG=C.UTF-8`, `HOME`
(/tmp; without a sandbox its private folder, and `TMPDIR` with it: the machine's /tmp belongs to everybody), `BRIGNB_OUTPUT`, and where
asked for `BRIGNB_STORAGE` and `BRIGNB_CACHE`, the folders at `storage.path` and `cache.path`.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from brignb.errors import JobRefused
from brignb.executors.containing import Program
from brignb.executors.folders import Folders, working_directory
from brignb.model.jobs import JobSpec


def program(spec: JobSpec, place: Folders) -> Program:
    """The program of a job whose folders are made.

    Raises:
        JobRefused: There is no such shell or working directory.
    """
    env = environment(spec, place)
    return Program(_argv(spec, place, env["PATH"]), env, place.inside(_cwd(spec, place)))


def environment(spec: JobSpec, place: Folders) -> dict[str, str]:
    """All of a job's variables."""
    env = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": str(place.inside(place.tmp)),
        "BRIGNB_OUTPUT": str(place.inside(place.output)),
    }
    if not place.sandboxed:
        env["TMPDIR"] = env["HOME"]
    if spec.storage.enabled:
        env["BRIGNB_STORAGE"] = str(place.inside(place.outside(Path(spec.storage.path))))
    if spec.cache.enabled:
        env["BRIGNB_CACHE"] = str(place.inside(place.outside(Path(spec.cache.path))))
    return env | {name: value for name, value in spec.env.items() if isinstance(value, str)}


def _argv(spec: JobSpec, place: Folders, path: str) -> tuple[str, ...]:
    """The shell with main.sh; a command through a shell's `exec`, for its exit codes 126 and 127 and its words on them."""
    if spec.command:
        return ("/bin/sh", "-c", 'exec "$@"', "sh", *spec.command, *spec.args)
    shell = str(place.outside(Path(spec.shell))) if "/" in spec.shell else spec.shell
    if shutil.which(shell, path=path) is None:
        raise _refused(spec, f"shell: there is no program {spec.shell} on this machine")
    return (spec.shell, str(place.inside(place.script)), *spec.args)


def _cwd(spec: JobSpec, place: Folders) -> Path:
    cwd = working_directory(spec, place)
    if cwd.is_dir():
        return cwd
    field = "working_directory" if spec.working_directory else "source"
    raise _refused(spec, f"{field}: there is no folder {spec.working_directory or spec.source}")


def _refused(spec: JobSpec, reason: str) -> JobRefused:
    return JobRefused(name=spec.name, job_id=spec.id, reason=reason)
