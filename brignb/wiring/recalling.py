"""Acting in the place of a build that was: in a folder that `brignb debug` has made, its event is bound, and its jobs are remembered.

    .brignb/debug.json ──▶ begin ──▶ a session, the bound event and project
    .brignb/jobs/<id>.log  ──▶ a job with the digest of one that had succeeded: its recorded end, at once

Secrets come from the author's project file, `BRIGNB_SECRET_<NAME>`, or a prompt, as everywhere in a notebook. What must never happen:
a remembered end of a job whose source is another one by now.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from brignb.errors import BadInput, NotFound
from brignb.executors.seam import Executor
from brignb.model.builds import State
from brignb.model.events import Event
from brignb.model.jobs import JobStatus
from brignb.model.logs import decode_lines
from brignb.model.times import parse_rfc3339
from brignb.script import session as sessions
from brignb.script.project import BoundProject, project
from brignb.script.session import Remembered
from brignb.wiring.executing import Keeping
from brignb.wiring.sessions import local_session

HERE: Final = ".brignb"
"""Folder of what is ours, in the debug folder."""
FACTS: Final = "debug.json"


def begin(start: Path | None = None) -> tuple[Event, BoundProject]:
    """Bind what the build had: from here on this kernel acts in its place, with the author's own secrets.

    Args:
        start: A folder below the debug folder; None: this one.

    Raises:
        NotFound: There is no debug folder.
    """
    folder, facts = _facts(start or Path.cwd())
    build, event = facts["build"], Event.from_json(facts["event"])
    file = Path(facts["project_file"]) if facts["project_file"] and Path(facts["project_file"]).is_file() else None
    local = local_session(file)
    session = replace(
        local,
        project_name=build["project"],
        clone_url=facts["clone_url"],
        namespace=facts["namespace"],
        commit=lambda: _commit(folder, facts),
        remembers=lambda digest: _remembered(folder, build, digest, local.executor),
    )
    sessions.enter(session)
    _say(build, event)
    return event, project


def _say(build: Mapping[str, Any], event: Event) -> None:
    because = f" ({build['reason']})" if build["reason"] else ""
    commit = f" at {event.revision.commit[:12]}" if event.revision.commit else ""
    print(f"build {build['id']}: {event.type} of {build['project']}{commit}, {build['state']}{because}")  # noqa: T201 - under the cell
    names = ", ".join(dict.fromkeys(job["name"] for job in remembered_jobs(build)))
    if names:
        print(f"remembered: {names}; run(fresh=True) runs them")  # noqa: T201 - the same


def _facts(start: Path) -> tuple[Path, dict[str, Any]]:
    for folder in (start.absolute(), *start.absolute().parents):
        file = folder / HERE / FACTS
        if file.is_file():
            return folder, json.loads(file.read_text())
    raise NotFound("this is no folder that `brignb debug` has made", where=str(start), hint="brignb debug BUILD")


def _commit(folder: Path, facts: Mapping[str, Any]) -> str | None:
    """The build's, as long as nothing but the notebook was changed."""
    commit: str | None = facts["build"]["event"]["revision"]["commit"] if facts["clone_url"] else ""
    others = ("--", ".", f":(exclude,top){facts['notebook']}")
    changed = git(folder, "status", "--porcelain", "--untracked-files=all", *others)
    return None if changed else commit


def remembered_jobs(build: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The jobs of a build that can stand for another run."""
    return [job for job in build["jobs"] if job["digest"] and job["attempt"] == build["attempt"]]


def _remembered(folder: Path, build: Mapping[str, Any], digest: str, executor: Executor) -> Remembered | None:
    found = [job for job in remembered_jobs(build) if job["digest"] == digest]
    if not found:
        return None
    job = found[-1]
    left = folder / HERE / "artifacts" / job["id"]
    status = JobStatus(
        state=State(job["state"]),
        exit_code=job["exit_code"],
        started_at=parse_rfc3339(job["started_at"]),
        finished_at=parse_rfc3339(job["finished_at"]),
        outputs=job["outputs"],
        artifacts=tuple(sorted(str(path.relative_to(left)) for path in left.rglob("*") if path.is_file())),
    )

    def restore(job_id: str) -> None:
        assert isinstance(executor, Keeping)  # noqa: S101 - `local_session` has no other
        shutil.copytree(left, executor.artifacts(job_id))

    log = folder / HERE / "jobs" / f"{job['id']}.log"
    return Remembered(build["id"], status, tuple(decode_lines(log.read_bytes())), restore)


def git(folder: Path, *args: str) -> str:
    """What git printed, in a folder.

    Raises:
        NotFound: There is no git.
        BadInput: It failed.
    """
    try:
        done = subprocess.run(["git", "-C", folder, *args], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise NotFound("git is not installed", where="git", hint="install git") from None
    if done.returncode:
        raise BadInput(f"git {args[0]}: {done.stderr.strip()}", where=str(folder))
    return done.stdout
