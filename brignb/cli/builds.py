"""`brignb build` and its commands."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from brignb.cli.connecting import connected
from brignb.cli.following import lines, result, tell
from brignb.cli.output import note, say, show_json, table
from brignb.cli.showing import age, show_build, took
from brignb.cli.words import Format, Output, Server, read, write

if TYPE_CHECKING:
    from brignb.client import Client, End

app = typer.Typer(help="Builds: what became of events.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="The build's id.")]
_HEADER: Final = ("BUILD", "PROJECT", "EVENT", "STATE", "REASON", "CREATED", "TOOK")
_DEBUGGED: Final = frozenset({"failed", "timed_out", "lost"})
_EXAMPLES: Final = "Example:  [bold]brignb build logs -f 01JGZ… -j test[/]"


@app.command("list", epilog="Example:  [bold]brignb build list -P owner/repo --state failed[/]")
def list_(
    project: Annotated[
        str | None, typer.Option("-P", "--project", metavar="OWNER/REPO", help="Only its builds.")
    ] = None,
    state: Annotated[
        str | None, typer.Option(help="pending, running, succeeded, failed, canceled, timed_out, lost.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 20,
    cursor: Annotated[str | None, typer.Option(help="Go on after a page: its `next`.")] = None,
    server: Server = None,
    output: Output = Format.TEXT,
) -> None:
    """Builds, newest first."""
    with connected(server) as client:
        page = client.builds(project=project, state=state, limit=limit, cursor=cursor)
    if output is Format.JSON:
        show_json(page)
        return
    if not page["items"]:
        note("no builds")
        return
    now = time.time()
    table(_HEADER, [_row(build, now) for build in page["items"]])
    if page["next"]:
        note(f"older ones: --cursor {page['next']}")


@app.command()
def get(build_id: Id, server: Server = None, output: Output = Format.TEXT) -> None:
    """One build, with its jobs."""
    with connected(server) as client:
        build = client.build(build_id)
    _show(build, output)


@app.command(epilog=_EXAMPLES)
def logs(
    build_id: Id,
    *,
    follow: Annotated[
        bool, typer.Option("-f", "--follow", help="Until the build ends; exit 1 when it does not succeed.")
    ] = False,
    job: Annotated[
        str | None, typer.Option("-j", "--job", metavar="JOB", help="Only a job's lines, by its name or id.")
    ] = None,
    server: Server = None,
    output: Output = Format.TEXT,
) -> int:
    """What the worker and the jobs printed."""
    with connected(server) as client:
        if output is Format.JSON:
            found, end = lines(client, build_id, job=job, following=follow)
            show_json({"items": found, "next": None})
        else:
            end = tell(client, build_id, job=job, following=follow)
        return _ended(client, build_id, job, end, quiet=output is Format.JSON) if follow else 0


@app.command()
def record(
    build_id: Id,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="Where to; else standard output.")
    ] = None,
    server: Server = None,
) -> None:
    """The executed notebook, with its logs and results."""
    with connected(server) as client:
        notebook = client.record(build_id)
    if output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(notebook)
    else:
        write(output, notebook)
        note(f"wrote {output}")


@app.command()
def cancel(build_id: Id, server: Server = None, output: Output = Format.TEXT) -> None:
    """End a build that waits or runs; one that has ended stays as it is."""
    with connected(server) as client:
        build = client.cancel(build_id)
    if output is Format.JSON:
        show_json(build)
    elif build["state"] == "running":
        say(f"build {build_id} is told to end")
    else:
        say(f"build {build_id} is {build['state']}")


@app.command(epilog="Example:  [bold]brignb build rerun 01JGZ… --notebook brignb.ipynb[/]")
def rerun(
    build_id: Id,
    notebook: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Run this notebook, checked first, instead of the one that ran.")
    ] = None,
    server: Server = None,
    output: Output = Format.TEXT,
) -> None:
    """A new build of the same event, at the same commit."""
    given = read(notebook) if notebook else None
    with connected(server) as client:
        told = client.rerun(build_id, given, name=str(notebook or ""))
    if output is Format.JSON:
        show_json(told)
    else:
        say(f"event {told['event']} {told['status']}, build {told['build']}")
        note(f"  brignb build logs -f {told['build']}")


def _show(build: dict[str, Any], output: Format) -> None:
    if output is Format.JSON:
        show_json(build)
    else:
        show_build(build)
        if build["state"] in _DEBUGGED and build["worker"]["tier"] != "notebook":
            note(f"debug it: brignb debug {build['id']}")


def _row(build: dict[str, Any], now: float) -> list[str]:
    return [
        build["id"],
        build["project"],
        build["event"]["type"],
        build["state"],
        build["reason"] or "",
        age(build["created_at"], now),
        took(build),
    ]


def _ended(client: Client, build_id: str, job: str | None, end: End, *, quiet: bool) -> int:
    """Of a followed job it is the job that counts, in its last run."""
    runs = [each for each in client.build(build_id)["jobs"] if job in {each["name"], each["id"]}] if job else []
    if not runs:
        return result(end, quiet=quiet)
    last = runs[-1]
    if not quiet:
        note(f"job {last['name']} {last['state']}")
    return 0 if last["state"] == "succeeded" else 1
