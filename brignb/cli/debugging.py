"""`brignb debug`, and what goes with it: a failed build in JupyterLab, and what was changed since it ran."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from brignb.cli.connecting import connected
from brignb.cli.output import note, say, show_json
from brignb.cli.words import Format, Output, Server, read

Id = Annotated[str, typer.Argument(metavar="BUILD", help="The build's id.")]


def add(app: typer.Typer, builds: typer.Typer) -> None:
    """Register them."""
    app.command(epilog="Example:  [bold]brignb debug 01JGZ…[/]")(debug)
    builds.command(epilog="Example:  [bold]brignb build diff 01JGZ… brignb.ipynb[/]")(diff)


def debug(
    build_id: Id,
    *,
    folder: Annotated[
        Path | None, typer.Option("--dir", metavar="DIR", help="Where; else brignb-debug-BUILD, here.")
    ] = None,
    opened: Annotated[bool, typer.Option("--open/--no-open", help="Whether JupyterLab is opened there.")] = True,
    server: Server = None,
    output: Output = Format.TEXT,
) -> int:
    """A build's notebook, with its event bound, at its commit, and the jobs that had succeeded remembered.

    Secrets come from your project.yaml here, from BRIGNB_SECRET_<NAME>, or are asked for; the server never sends them.
    """
    from brignb.wiring.debugging import prepare  # noqa: PLC0415 - `--help` debugs nothing

    with connected(server) as client:
        notebook = prepare(client, build_id, folder)
    if output is Format.JSON:
        show_json({"build": build_id, "notebook": str(notebook)})
        return 0
    say(f"debug build {build_id} in {notebook}")
    note("when it is mended:")
    note(f"  brignb build diff {build_id} {notebook}")
    note(f"  brignb build rerun {build_id} --notebook {notebook}")
    if not opened:
        return 0
    if importlib.util.find_spec("jupyterlab") is None:
        note("JupyterLab is not installed here: pip install 'brignb[lab]', or open the notebook with your own")
        return 0
    return subprocess.run(lab(notebook), cwd=notebook.parent, check=False).returncode


def lab(notebook: Path) -> list[str]:
    """The command that opens it, in its folder. `-P`: a module `jupyterlab` of a stranger's pull request is not the one that is meant."""
    return [sys.executable, "-P", "-m", "jupyterlab", str(notebook)]


def diff(
    build_id: Id,
    notebook: Annotated[Path, typer.Argument(metavar="NOTEBOOK", help="The notebook as it is now.")],
    server: Server = None,
) -> None:
    """What differs between the notebook that a build ran and another one, cell by cell."""
    from brignb.wiring.differing import difference  # noqa: PLC0415 - `--help` compares nothing

    now = read(notebook)
    with connected(server) as client:
        ran = client.notebook(build_id)
    found = difference(ran, now, name=str(notebook), colours=sys.stdout.isatty())
    if found:
        say(found.rstrip())
    else:
        note("they do not differ")
