"""The texts that `brignb init` writes."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any, Final

from brignb.cli.surroundings import Place

_TITLE: Final = """\
# A pipeline

Handlers in this notebook answer events. Run its cells, change them, and see in seconds what they do; a server runs the same notebook
for every push to the repository.

In JupyterLab: *Run All Cells*. In a terminal: `brignb run brignb.ipynb --event push`"""

_IMPORTS: Final = "from brignb import Job, events"

_PARAMETERS_TITLE: Final = """\
## Parameters

This cell carries the tag `parameters`. Each value has a default and a type; `# from:` fills it from the event, and `-p` sets it by hand:
`brignb run brignb.ipynb --event push -p greeting=Hi`"""

_PARAMETERS: Final = """\
greeting: str = "Hello"
branch: str = "main"  # from: event.revision.ref"""

_HANDLER_TITLE: Final = """\
## On a push

A job is a few lines of shell, in a container where there is one. `/src` is the repository at the event's commit. What a job writes to
the file `$BRIGNB_OUTPUT` as `name=value` comes back in `job.outputs`."""

_HANDLER: Final = """\
@events.on("push")
async def push(event, project):
    job = Job(
        "hello",
        "python:3.12-slim",
        tasks=[
            'echo "$GREETING from $PROJECT, $BRANCH"',
            "ls | head",
            'echo "files=$(ls | wc -l)" >> "$BRIGNB_OUTPUT"',
        ],
        env={"GREETING": greeting, "PROJECT": project.name, "BRANCH": branch},
    )
    await job.run()
    print("the job saw", job.outputs["files"], "files")"""

_TRY_TITLE: Final = """\
## Try it here

Cells tagged `scratch` are yours alone: no build runs them. This one has the handlers above answer a push; change them, run it again."""

_TRY: Final = 'await events.fire("push")'

_MAGICS: Final = """\
%load_ext brignb
%brig help"""

_TEST_TITLE: Final = """\
## A test

Cells tagged `tests` are run by `pytest brignb.ipynb` (`pip install pytest`), and by no build. Here a push that GitHub has sent is answered,
and the job is played: nothing runs."""

_TEST: Final = """\
from brignb.testing import FakeExecutor, fire, payloads

played = FakeExecutor().job("hello", outputs={"files": "3"})
assert fire(events, payloads.github("push"), executor=played).check().job_names == ["hello"]"""


def notebook() -> str:
    """A notebook with one handler that runs one job, a cell that tries it and one that tests it (nbformat 4.5)."""
    cells = [
        _markdown("title", _TITLE),
        _code("imports", _IMPORTS),
        _markdown("about-parameters", _PARAMETERS_TITLE),
        _code("parameters", _PARAMETERS, tags=["parameters"]),
        _markdown("about-push", _HANDLER_TITLE),
        _code("push", _HANDLER),
        _markdown("about-trying", _TRY_TITLE),
        _code("try", _TRY, tags=["scratch"]),
        _code("magics", _MAGICS, tags=["scratch"]),
        _markdown("about-tests", _TEST_TITLE),
        _code("test", _TEST, tags=["tests"]),
    ]
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}, indent=1) + "\n"


def project_file(place: Place, name: str, *, shared_secret: str) -> str:
    """A project file for a place and the notebook of that name in it, with the secret that signs its webhooks."""
    path = PurePosixPath(place.within, name).as_posix()
    return f"""\
# What `brignb project create -f project.yaml` registers. It holds secrets: keep it out of git.
project: {json.dumps(place.project)}
cloneURL: {json.dumps(place.clone_url)}
sharedSecret: {json.dumps(shared_secret)}  # the secret on GitHub's webhook page
notebook: {json.dumps(path)}  # from the top of the repository
# secrets:            # the notebook reads them as project.secrets["NAME"]
#   NAME: value
"""


def _markdown(name: str, text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": text.splitlines(keepends=True)}


def _code(name: str, text: str, *, tags: list[str] | None = None) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": name,
        "metadata": {"tags": tags} if tags else {},
        "source": text.splitlines(keepends=True),
        "execution_count": None,
        "outputs": [],
    }
