"""`brignb serve` and `brignb demo`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from brignb.cli.words import duration_ms, executor, locks, parts
from brignb.errors import BadInput
from brignb.model.options import PARTS, ServeOptions

_SERVE: Final = """\
For this machine:  [bold]brignb serve[/]

For the network, with registries' webhooks:  [bold]brignb serve --host 0.0.0.0 --cr --keep 30d[/]"""


class WorkersAs(StrEnum):
    """What runs builds."""

    PROCESSES = "processes"
    PODS = "pods"


def add(app: typer.Typer) -> None:
    """Register them."""
    app.command(epilog=_SERVE)(serve)
    app.command()(demo)


def serve(
    home: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Database, key, token, records; else $BRIGNB_HOME.")
    ] = None,
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any that is free.")] = 7744,
    *,
    cr: Annotated[bool, typer.Option("--cr", help="Take the webhooks of container registries.")] = False,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Builds at once; else as many as cores. 0: `brignb worker` runs them.")
    ] = None,
    chosen: Annotated[
        str, typer.Option("--executor", help="What runs the jobs of projects that name none.")
    ] = "process",
    allow: Annotated[
        str,
        typer.Option(metavar="LOCKS", help="Of privileged, host-mounts, docker-socket, service-account; by commas."),
    ] = "",
    store: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            envvar="BRIGNB_STORE",
            show_envvar=False,
            help="postgresql://USER@HOST/DATABASE; else $BRIGNB_STORE, where a password is not seen; else SQLite in the home.",
        ),
    ] = None,
    chosen_parts: Annotated[
        str,
        typer.Option(
            "--parts",
            metavar="PARTS",
            help="What this process does, by commas; several share one --store of PostgreSQL.",
        ),
    ] = ",".join(PARTS),
    workers_as: Annotated[WorkersAs, typer.Option(help="What runs builds.")] = WorkersAs.PROCESSES,
    projects: Annotated[
        str | None,
        typer.Option(
            metavar="NAMESPACE",
            envvar="BRIGNB_PROJECTS",
            show_envvar=False,
            help="Take up the project Secrets of a namespace in the cluster; . is the pod's own.",
        ),
    ] = None,
    lease: Annotated[
        str | None,
        typer.Option(
            metavar="[NAMESPACE/]NAME", help="A Lease of the cluster, by which one of several controllers leads."
        ),
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What seals secrets, 32 bytes; else the home's.")
    ] = None,
    token_file: Annotated[Path | None, typer.Option(metavar="FILE", help="The API's token; else the home's.")] = None,
    tls_cert: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A certificate: workers in pods are listened to, by TLS.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE", help="Its private key.")] = None,
    worker_port: Annotated[int, typer.Option(min=0, max=65535, help="Where they are listened to.")] = 7746,
    linger: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Go on taking requests so long when asked to end.")
    ] = 0.0,
    allow_host: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A name of a proxy before the server; may be repeated.")
    ] = None,
    keep: Annotated[str | None, typer.Option(metavar="30d", help="Forget builds that ended longer ago.")] = None,
    keep_builds: Annotated[int | None, typer.Option(min=1, help="Keep so many of each project.")] = None,
) -> int:
    """Take events and run notebooks for them.

    It runs until it is interrupted, and then gives running builds some seconds to end; what is lost is queued again at the next start.
    """
    if (tls_cert is None) != (tls_key is None):
        raise BadInput("a certificate and its key go together", where="--tls-cert, --tls-key")
    options = ServeOptions(
        home=home,
        host=host,
        port=port,
        cr=cr,
        workers=workers,
        executor=executor(chosen),
        allow=locks(allow),
        store=store or None,
        hosts=tuple(allow_host or ()),
        keep_ms=duration_ms(keep) if keep else None,
        keep_builds=keep_builds,
        parts=parts(chosen_parts),
        workers_as=workers_as.value,
        projects=projects or None,
        lease=lease,
        key_file=key_file,
        token_file=token_file,
        tls_cert=tls_cert,
        tls_key=tls_key,
        worker_port=worker_port,
        linger=linger,
    )
    try:
        from brignb import wiring  # noqa: PLC0415 - only a server pays for the web framework

        return wiring.serve(options)
    except ModuleNotFoundError as error:
        raise BadInput(
            f"a server needs {error.name}, which is not installed", hint="pip install 'brignb[server]'"
        ) from error


def demo(
    *, keep: Annotated[bool, typer.Option("--keep", help="Leave the server running until it is interrupted.")] = False
) -> int:
    """A push, an image, a message: the whole of it.

    On this machine, in a folder of its own, with stand-ins for a registry and for Slack.
    """
    from brignb import demo as story  # noqa: PLC0415 - only the demo pays for it

    return story.main(keep=keep)
