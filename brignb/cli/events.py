"""`brignb event` and its commands."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from brignb.cli.connecting import connected
from brignb.cli.following import result, tell
from brignb.cli.output import note, say, show_json
from brignb.cli.words import Format, Output, Payload, Server, payload

app = typer.Typer(help="Events: raise one by hand.", no_args_is_help=True)

_EPILOG: Final = "Example:  [bold]brignb event create -P owner/repo -t push --ref main --follow[/]"


@app.callback()
def _group() -> None:
    """With one command in it the group would vanish otherwise."""


@app.command(epilog=_EPILOG)
def create(
    project: Annotated[str, typer.Option("-P", "--project", metavar="OWNER/REPO", help="Whose event it is.")],
    event_type: Annotated[str, typer.Option("-t", "--type", metavar="TYPE", help="Such as push or image_push.")],
    *,
    given: Payload = None,
    commit: Annotated[str | None, typer.Option(help="What to check out; wins over --ref.")] = None,
    ref: Annotated[str | None, typer.Option(help="A branch or tag; without both it is the repository's HEAD.")] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Show the build's logs; exit 1 when it does not succeed.")
    ] = False,
    server: Server = None,
    output: Output = Format.TEXT,
) -> int:
    """Raise an event; its build begins as soon as a worker is free."""
    with connected(server) as client:
        told = client.create_event(
            project, event_type, payload=payload(given) or "", commit=commit, ref=ref, source="cli"
        )
        if not follow:
            if output is Format.JSON:
                show_json(told)
            else:
                say(f"event {told['event']} {told['status']}, build {told['build']}")
                note(f"  brignb build logs -f {told['build']}")
            return 0
        if output is Format.TEXT:
            note(f"event {told['event']} {told['status']}, build {told['build']}")
        end = tell(client, told["build"], following=True, quiet=output is Format.JSON)
        if output is Format.JSON:
            show_json(client.build(told["build"]))
        return result(end, quiet=output is Format.JSON)
