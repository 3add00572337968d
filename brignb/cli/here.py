"""Commands that need no server: `run`, `export`, `version`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from brignb.cli.checking import warn
from brignb.cli.output import note, say, show_json
from brignb.cli.words import Format, Output, Payload, executor, payload, write
from brignb.errors import BadInput
from brignb.model.options import RunOptions

Notebook = Annotated[Path, typer.Argument(metavar="NOTEBOOK", help="The notebook.")]
_RUN: Final = (
    "Example:  [bold]brignb run brignb.ipynb --event push --payload event.json -p tag=dev --record record.ipynb[/]"
)


def add(app: typer.Typer) -> None:
    """Register them."""
    app.command(epilog=_RUN)(run)
    app.command(epilog="Example:  [bold]brignb export brignb.ipynb -o worker.ipynb[/]")(export)


def run(
    notebook: Notebook,
    event: Annotated[str | None, typer.Option(metavar="TYPE", help="The event's type; without it, exec.")] = None,
    given: Payload = None,
    project: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A project file, for secrets and policy; else project.yaml, here or beside the notebook.",
        ),
    ] = None,
    parameters: Annotated[
        list[str] | None, typer.Option("-p", "--parameter", metavar="NAME=VALUE", help="Set a declared parameter.")
    ] = None,
    chosen: Annotated[str | None, typer.Option("--executor", help="What runs the jobs.")] = None,
    record: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to write the executed notebook.")] = None,
) -> int:
    """One build here, without a server.

    Logs go to the terminal; jobs work on a copy of your files. Exit code 1 when the build does not succeed.
    """
    options = RunOptions(
        notebook=notebook,
        event=event,
        payload=payload(given),
        project=project,
        parameters=tuple(map(_parameter, parameters or ())),
        executor=executor(chosen) if chosen else None,
        record=record,
    )
    from brignb import wiring  # noqa: PLC0415 - `--help` runs nothing

    return wiring.run(options)


def export(
    notebook: Notebook,
    worker: Annotated[Path, typer.Option("-o", "--output", metavar="WORKER.ipynb", help="Where to write it.")],
    project: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A project file, whose secrets must not stand in the notebook.")
    ] = None,
) -> None:
    """Check a notebook and write the worker notebook.

    That is the one that is executed: no outputs, no scratch cells, no secrets.
    """
    from brignb.export import to_bytes  # noqa: PLC0415 - `--help` checks nothing
    from brignb.wiring.checking import review_file  # noqa: PLC0415 - the same

    if worker.exists() and notebook.exists() and worker.samefile(notebook):
        raise BadInput("it would overwrite the notebook itself", where=f"-o {worker}", hint="choose another name")
    review = review_file(notebook, project)
    exported = review.accepted()
    write(worker, to_bytes(exported))
    warn(review)
    names = ", ".join(parameter.name for parameter in exported.parameters)
    dropped = f", {exported.dropped} scratch cells left out" if exported.dropped else ""
    note(f"wrote {worker}: {len(exported.worker_notebook['cells'])} cells, parameters: {names or 'none'}{dropped}")


def _say_version(asked: bool) -> None:  # noqa: FBT001 - typer's signature
    if asked:
        version()
        raise typer.Exit


def root(
    *,
    _version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_say_version, help="Say which brignb this is, and exit."),
    ] = False,
) -> None:
    """Event-driven pipelines that you write, run and debug in a Jupyter notebook, and that then answer real events."""


def version(output: Output = Format.TEXT) -> None:
    """Which brignb this is."""
    from brignb import __version__  # noqa: PLC0415 - looked up only when it is asked for

    facts: dict[str, Any] = {"version": __version__}
    if output is Format.JSON:
        show_json(facts)
    else:
        say(f"brignb {__version__}")


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (equals and name.strip()):
        raise BadInput(f"{text!r:.80} is not NAME=VALUE", where="-p", hint="such as -p tag=dev")
    return name.strip(), value
