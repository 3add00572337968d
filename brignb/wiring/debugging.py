"""Debugging a build that was: its notebook, its event and its source, here, with the jobs that had succeeded remembered.

    prepare: server ──▶ brignb-debug-<build>/           the work tree of its commit, with the notebook as it ran
                          ├── brignb.ipynb               first cell: `event, project = begin()`; after the handlers: they answer
                          └── .brignb/                   debug.json, ran.ipynb, record.ipynb, jobs/<job id>.log; git does not see it

Secrets are never in it, see `recalling`, which binds what is here. What must never happen: a file
outside of the folder, edits of the author's that a second `prepare` overwrites.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from brignb.archive.follow import Told
from brignb.client import Client
from brignb.errors import BadInput, Conflict, NotFound
from brignb.model.builds import NOTEBOOK, State
from brignb.source.packing import unpack
from brignb.wiring.recalling import FACTS, HERE, git, remembered_jobs
from brignb.wiring.sessions import PROJECT_FILE

_SCRATCH: Final = "scratch"
_TRIED: Final = frozenset({_SCRATCH, "tests"})
"""Tags of cells that no build runs."""
_WITH_IDS: Final = (4, 5)
"""The nbformat from which on cells have ids."""


def default_folder(build_id: str) -> Path:
    """Where a build is debugged when nobody says where."""
    return Path(f"brignb-debug-{build_id}")


def prepare(client: Client, build_id: str, folder: Path | None = None) -> Path:
    """Make the folder; the notebook in it. A folder that is there already, of the same build, is left as it is.

    Args:
        client: Of the server.
        build_id: Of a build that has ended.
        folder: None: `brignb-debug-<build>`, here.

    Raises:
        NotFound: No such build, or its notebook or source is not to be had any more.
        Conflict: The folder holds something else.
        BadInput: The build still runs, or a notebook handled it; the folder cannot be made.
    """
    build = client.build(build_id)
    folder = (folder or default_folder(build["id"])).absolute()
    if (there := _made_before(folder, build["id"])) is not None:
        return there
    _refuse(build)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as aside:
            draft = Path(aside) / folder.name  # a folder is there whole, or not at all
            name = _make(client, build, draft)
            draft.rename(folder)
    except OSError as error:
        raise BadInput(f"it cannot be made: {error.strerror or error}", where=str(error.filename or folder)) from error
    return folder / name


# what is fetched


def _refuse(build: Mapping[str, Any]) -> None:
    if not State(build["state"]).terminal:
        hint = f"wait for its end, or end it: `brignb build cancel {build['id']}`"
        raise BadInput(f"the build is {build['state']}", where=build["id"], hint=hint)
    if build["worker"]["tier"] == NOTEBOOK:
        raise BadInput("a notebook handled it, no worker", where=build["id"], hint="debug it where it listened")


def _made_before(folder: Path, build_id: str) -> Path | None:
    """The notebook of a folder that was made before.

    Raises:
        Conflict: The folder holds something else.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return None
    file = folder / HERE / FACTS
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError):  # what we did not write is something else
        facts = json.loads(file.read_bytes())
        if facts["build"]["id"] == build_id:
            return folder / str(facts["notebook"])
    raise Conflict("it holds something else", where=str(folder), hint="name another folder by --dir")


def _make(client: Client, build: Mapping[str, Any], folder: Path) -> str:
    """The whole folder; the notebook's path in it."""
    project = client.project(build["project"])
    ran = client.notebook(build["id"])
    _fill(client, build, folder, from_repository=project["cloneURL"] is not None)
    path = _path(folder, project["notebook"])
    record = _keep(client, build, project, folder)
    (folder / HERE / "ran.ipynb").write_bytes(ran)
    opened = _for_debugging(json.loads(ran), build, _injected(record))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(opened, indent=1) + "\n")
    return str(project["notebook"])


def _path(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()) or path.suffix != ".ipynb":
        raise BadInput(f"{name!r:.200} is no notebook's path in the folder", where="project file: notebook")
    return path


def _fill(client: Client, build: Mapping[str, Any], folder: Path, *, from_repository: bool) -> None:
    """The commit's work tree; an empty one, where there is no repository."""
    folder.mkdir()
    if from_repository:
        with tempfile.TemporaryFile() as file:
            client.source(build["id"], file)
            unpack(file, folder)
    else:
        git(folder, "init", "--quiet")
    exclude = folder / ".git" / "info" / "exclude"
    exclude.parent.mkdir(exist_ok=True)
    with exclude.open("a") as lines:
        lines.write(f"/{HERE}/\n.ipynb_checkpoints/\n")


def _keep(client: Client, build: Mapping[str, Any], project: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """What `begin` reads, and what a person may want to look at; answers the record."""
    ours = folder / HERE
    ours.mkdir(
        mode=0o700
    )  # nothing of the repository's may stand there; payload and logs are for nobody else on this machine
    (ours / "jobs").mkdir()
    record = client.record(build["id"])
    (ours / "record.ipynb").write_bytes(record)
    for job in remembered_jobs(build):
        lines = [told.line for told in client.logs(build["id"], job=job["id"]) if isinstance(told, Told)]
        (ours / "jobs" / f"{job['id']}.log").write_bytes(b"".join(line.encode() for line in lines))
        with contextlib.suppress(NotFound), tempfile.TemporaryFile() as file:  # most jobs leave nothing
            client.artifacts(build["id"], job["id"], file)
            unpack(file, ours / "artifacts" / job["id"], links=False)
    facts = {
        "build": build,
        "event": client.event(build["event"]["id"]),
        "notebook": project["notebook"],
        "clone_url": project["cloneURL"],
        "namespace": project["namespace"],
        "project_file": _project_file(),
    }
    (ours / FACTS).write_text(json.dumps(facts, indent=1) + "\n")
    found: dict[str, Any] = json.loads(record)
    return found


def _project_file() -> str | None:
    """Where the author's own project file is, with the secrets: here, where the command is given."""
    named = os.environ.get("BRIGNB_PROJECT")
    path = Path(named or PROJECT_FILE).absolute()
    return str(path) if path.is_file() else None


# the notebook


def _injected(record: Mapping[str, Any]) -> list[str]:
    """The source of the cell that shows the parameters as the build had them; empty: it had none."""
    found = [cell["source"] for cell in record["cells"] if "injected-parameters" in cell["metadata"].get("tags", ())]
    return ["".join(found[0])] if found else []


def _for_debugging(notebook: dict[str, Any], build: Mapping[str, Any], injected: list[str]) -> dict[str, Any]:
    """The author's, with a first cell, one that answers, and its parameters as the build had them: scratch cells, so no build runs them."""
    because = f" ({build['reason']})" if build["reason"] else ""
    first = [
        f"# build {build['id']}: {build['event']['type']} of {build['project']}, {build['state']}{because}\n",
        "from brignb.debugging import begin\n",
        "\n",
        "event, project = begin()",
    ]
    answers = ["# the handlers answer the event here: breakpoints and %debug work\n", "await events.replay(event)"]
    cells = [_cell(first)]
    for cell in notebook["cells"]:
        cells.append(cell)
        if injected and "parameters" in cell.get("metadata", {}).get("tags", ()):
            cells.append(_cell(injected))
    if any("events.on" in "".join(cell["source"]) for cell in notebook["cells"]):
        cells.insert(_after_what_ran(cells), _cell(answers))
    if (notebook["nbformat"], notebook["nbformat_minor"]) >= _WITH_IDS:
        cells = [{"id": f"brignb-debug-{at}", **cell} for at, cell in enumerate(cells)]
    return {**notebook, "cells": cells}


def _after_what_ran(cells: list[dict[str, Any]]) -> int:
    """Before what the author only tries: *Run All Cells* ends at the first error, and this is to be the build's."""
    tried = [
        cell["cell_type"] != "code" or bool(_TRIED & {*cell.get("metadata", {}).get("tags", ())}) for cell in cells
    ]
    return next((at for at in range(len(cells), 0, -1) if not tried[at - 1]), len(cells))


def _cell(source: list[str]) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {"tags": [_SCRATCH]},
        "outputs": [],
        "source": source,
    }
