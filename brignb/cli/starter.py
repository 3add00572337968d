"""The texts that `brignb init` writes."""

from __future__ import annotations

import json
from typing import Any, Final

from brignb.cli.surroundings import Place

_TITLE: Final = """\
# A pipeline

Handlers in this notebook answer events. Run its cells, change them, and see in seconds what they do; a server runs the same notebook
for every push to the repository.

Try it: `brignb run brignb.ipynb --event push`"""

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


def notebook() -> str:
    """A notebook with one handler that runs one job (nbformat 4.5)."""
    cells = [
        _markdown("title", _TITLE),
        _code("imports", _IMPORTS),
        _markdown("about-parameters", _PARAMETERS_TITLE),
        _code("parameters", _PARAMETERS, tags=["parameters"]),
        _markdown("about-push", _HANDLER_TITLE),
        _code("push", _HANDLER),
    ]
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}, indent=1) + "\n"


def project_file(place: Place, *, shared_secret: str) -> str:
    """A project file for a place, with the secret that signs its webhooks."""
    return f"""\
# What `brignb project create -f project.yaml` registers. It holds secrets: keep it out of git.
project: {json.dumps(place.project)}
cloneURL: {json.dumps(place.clone_url)}
sharedSecret: {json.dumps(shared_secret)}  # the secret on GitHub's webhook page
notebook: brignb.ipynb
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
