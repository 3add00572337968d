"""`brignb worker`: what a worker pod runs. People need it to try a server's way with pods, without a cluster."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Annotated, Final

import typer

from brignb.model.options import WorkerOptions

_WORKER: Final = """\
The token is one of a build, which is run and nothing else, or of a project's pool, whose builds are run one after another."""


def add(app: typer.Typer) -> None:
    """Register it; it is no command of the first screen."""
    app.command(epilog=_WORKER, hidden=True)(worker)


def worker(
    server: Annotated[str, typer.Option(metavar="URL", help="The server's address for workers.")],
    token_file: Annotated[Path, typer.Option(metavar="FILE", help="Holds the token that the server has given.")],
    ca: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Certificates that vouch for the server; else this machine's.")
    ] = None,
    secrets_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The project's secrets, JSON; else the server sends them.")
    ] = None,
    work: Annotated[Path, typer.Option(metavar="DIR", help="For sources, logs and what jobs leave.")] = Path(
        "brignb-work"
    ),
    name: Annotated[str | None, typer.Option(help="As the server calls it; else this machine's name.")] = None,
    builds: Annotated[int | None, typer.Option(min=1, help="End after so many.")] = None,
    preload: Annotated[str, typer.Option(metavar="MODULES", help="Import them before a build comes; by commas.")] = "",
) -> int:
    """Run builds of a server that is elsewhere."""
    options = WorkerOptions(
        server=server.rstrip("/"),
        token_file=token_file,
        ca=ca,
        secrets_file=secrets_file,
        work=work,
        name=name or platform.node(),
        builds=builds,
        preload=tuple(filter(None, (module.strip() for module in preload.split(",")))),
    )
    from brignb import wiring  # noqa: PLC0415 - only a worker pays for it

    return wiring.work_away(options)
