"""`brignb project` and its commands."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from brignb.cli import kubeprojects
from brignb.cli.connecting import connected
from brignb.cli.kubeprojects import Context, Kube, Namespace
from brignb.cli.output import note, say, show_json, table
from brignb.cli.words import Format, Output, Server, read

app = typer.Typer(help="Projects: a repository, its secrets and its policy.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="OWNER/REPO", help="The project's name.")]


_CREATE: Final = """\
For a server:  [bold]brignb project create -f project.yaml[/]

For a cluster:  [bold]brignb project create -f project.yaml --kube --namespace brignb[/]"""


@app.command(epilog=_CREATE)
def create(
    file: Annotated[Path, typer.Option("-f", "--file", metavar="FILE", help="The project file; - is standard input.")],
    *,
    replace: Annotated[bool, typer.Option("--replace", help="Replace one of that name; its history stays.")] = False,
    kube: Kube = False,
    context: Context = None,
    namespace: Namespace = None,
    server: Server = None,
    output: Output = Format.TEXT,
) -> None:
    """Register a project by its file, with a server or, as a Secret, in a cluster."""
    kubeprojects.check(server, kube=kube, namespace=namespace)
    name, text = ("standard input", sys.stdin.buffer.read()) if str(file) == "-" else (str(file), read(file))
    if kube:
        project = kubeprojects.create(text, name=name, replace=replace, context=context, namespace=namespace)
    else:
        with connected(server) as client:
            project = client.create_project(text, name=name, replace=replace)
    for warning in project["warnings"]:
        note(f"warning: {warning}")
    if output is Format.JSON:
        show_json(project)
    elif kube:
        say(f"project {project['project']} is the Secret {project['secret']}; a server that watches there takes it up")
    else:
        say(f"project {project['project']} is registered")


@app.command("list")
def list_(*, server: Server = None, output: Output = Format.TEXT) -> None:
    """All projects, by name."""
    with connected(server) as client:
        page = client.projects()
    if output is Format.JSON:
        show_json(page)
    elif page["items"]:
        rows = [[each["project"], each["cloneURL"] or "-", each["notebook"]] for each in page["items"]]
        table(["PROJECT", "REPOSITORY", "NOTEBOOK"], rows)
    else:
        note("no projects yet; `brignb project create -f project.yaml` makes one")


@app.command()
def show(project: Name, *, server: Server = None, output: Output = Format.TEXT) -> None:
    """One project; its secrets by name only."""
    with connected(server) as client:
        found = client.project(project)
    if output is Format.JSON:
        show_json(found)
    else:
        for key, value in found.items():
            if value not in (None, [], {}):
                say(f"{key:<22}{_shown(value)}")


@app.command()
def delete(
    project: Name,
    *,
    kube: Kube = False,
    context: Context = None,
    namespace: Namespace = None,
    server: Server = None,
    output: Output = Format.TEXT,
) -> None:
    """Forget a project, with its events and builds."""
    kubeprojects.check(server, kube=kube, namespace=namespace)
    secret = kubeprojects.delete(project, context=context, namespace=namespace) if kube else None
    if not kube:
        with connected(server) as client:
            client.delete_project(project)
    if output is Format.JSON:
        show_json({"project": project, "deleted": True})
    elif secret:
        say(f"the Secret {secret} is deleted; a server that watches there forgets {project} when no build of it runs")
    else:
        say(f"project {project} is deleted")


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | dict):
        return ", ".join(map(str, value))
    return str(value)
