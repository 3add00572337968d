"""`brignb init`: a notebook that works and a project file that fits the place."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Annotated

import typer

from brignb.cli.output import say
from brignb.cli.starter import notebook, project_file
from brignb.cli.surroundings import look_around
from brignb.errors import BadInput, Conflict

NOTEBOOK = "brignb.ipynb"
PROJECT = "project.yaml"


def add(app: typer.Typer) -> None:
    """Register it."""
    app.command()(init)


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where; made if it is not there.")] = Path(),
) -> None:
    """A starter notebook and project file."""
    for name in (NOTEBOOK, PROJECT):
        if (folder / name).exists():
            raise Conflict("it is there already", where=str(folder / name), hint="brignb init overwrites nothing")
    place = look_around(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _create(folder / NOTEBOOK, notebook(), mode=0o644)
        _create(folder / PROJECT, project_file(place, NOTEBOOK, shared_secret=secrets.token_hex(20)), mode=0o600)
    except OSError as error:
        raise BadInput(f"cannot be made: {error.strerror}", where=str(error.filename or folder)) from error
    say(f"wrote {folder / NOTEBOOK} and {folder / PROJECT}, which holds a secret: keep it out of git")
    say()
    say("Try it here, without a server:")
    say(f"  jupyter lab {folder / NOTEBOOK}")
    say(f"  brignb run {folder / NOTEBOOK} --event push")
    say("Then let a server run it for every push:")
    if not place.in_git:
        say(f"  git -C {folder} init")
    say(f"  git -C {folder} add {NOTEBOOK} && git -C {folder} commit -m 'A pipeline'")
    say("  brignb serve")
    say(f"  brignb project create -f {folder / PROJECT}")
    say(f"  brignb event create -P {place.project} -t push --follow")


def _create(path: Path, text: str, *, mode: int) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
