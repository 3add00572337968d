"""`brignb kernels`: the kernel `Python (brignb)` in Jupyter's launcher."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from brignb.cli.output import note, say, show_json, table
from brignb.cli.words import Format, Output
from brignb.errors import BadInput

if TYPE_CHECKING:
    from brignb.kernels.specs import Place

app = typer.Typer(help="The kernel `Python (brignb)`: install, uninstall, list.", no_args_is_help=True)

_NAME: Final = "brignb"
User = Annotated[bool, typer.Option("--user", help="For you, in any Jupyter of yours; the default.")]
Prefix = Annotated[Path | None, typer.Option("--prefix", metavar="P", help="Below P/share/jupyter.")]
SysPrefix = Annotated[
    bool, typer.Option("--sys-prefix", help="In this environment, whose Jupyter forks it: it starts faster.")
]
Name = Annotated[str, typer.Option("--name", help="The kernelspec's name.")]


@app.command(epilog="Example:  [bold]brignb kernels install --sys-prefix[/]")
def install(
    *,
    user: User = False,
    prefix: Prefix = None,
    sys_prefix: SysPrefix = False,
    name: Name = _NAME,
    title: Annotated[str, typer.Option("--display-name", help="As launchers show it.")] = "Python (brignb)",
) -> None:
    """Put it into Jupyter's launcher."""
    from brignb.kernels import specs  # noqa: PLC0415 - `--help` needs no Jupyter

    folder = specs.install(_place(user=user, prefix=prefix, sys_prefix=sys_prefix), name=name, title=title)
    say(f"installed {title} in {folder}")


@app.command()
def uninstall(*, user: User = False, prefix: Prefix = None, sys_prefix: SysPrefix = False, name: Name = _NAME) -> None:
    """Take it out of Jupyter's launcher."""
    from brignb.kernels import specs  # noqa: PLC0415 - the same

    folder = specs.uninstall(_place(user=user, prefix=prefix, sys_prefix=sys_prefix), name=name)
    say(f"removed {folder}")


@app.command("list")
def list_(output: Output = Format.TEXT) -> None:
    """Where it is installed."""
    from brignb.kernels import specs  # noqa: PLC0415 - the same

    found = specs.installed()
    if output is Format.JSON:
        items = [
            {"name": e.name, "display_name": e.title, "folder": str(e.folder), "python": e.python, "forked": e.forked}
            for e in found
        ]
        show_json({"items": items, "next": None})
    elif found:
        table(("NAME", "TITLE", "PYTHON", "FOLDER"), [(e.name, e.title, e.python, str(e.folder)) for e in found])
    else:
        note("none; brignb kernels install puts one into Jupyter's launcher")


def _place(*, user: bool, prefix: Path | None, sys_prefix: bool) -> Place:
    from brignb.kernels.specs import Place  # noqa: PLC0415 - the same

    if user + sys_prefix + (prefix is not None) > 1:
        raise BadInput("only one place at a time", where="--user, --prefix, --sys-prefix", hint="choose one")
    return Place(Path(sys.prefix) if sys_prefix else prefix)
