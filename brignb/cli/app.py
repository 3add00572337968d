"""All commands."""

from __future__ import annotations

from typing import Final

import typer

from brignb.cli import builds, checking, debugging, events, here, kernels, projects, serving, starting, working

_EPILOG: Final = """\
[bold]brignb demo[/] shows the whole of it, in seconds.

[bold]brignb init; brignb run brignb.ipynb --event push[/] is your first notebook.

[bold]brignb serve[/] takes events from then on."""

app = typer.Typer(
    epilog=_EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
starting.add(app)
here.add(app)
checking.add(app)
serving.add(app)
working.add(app)
app.add_typer(projects.app, name="project")
app.add_typer(events.app, name="event")
app.add_typer(builds.app, name="build")
debugging.add(app, builds.app)
app.add_typer(kernels.app, name="kernels")
app.command()(here.version)
app.callback()(here.root)
