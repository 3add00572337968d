"""All commands."""

from __future__ import annotations

from typing import Final

import typer

from brignb.cli import builds, events, here, projects, serving, starting

_EPILOG: Final = "\n\n".join(
    (
        "Begin with:",
        "  brignb demo                                  see the whole of it, in seconds",
        "  brignb init; brignb run brignb.ipynb         your first notebook",
        "  brignb serve                                 and then events, from anywhere",
    )
)

app = typer.Typer(
    help="Event-driven pipelines that you write, run and debug in a Jupyter notebook, and that then answer real events.",
    epilog=_EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
starting.add(app)
here.add(app)
serving.add(app)
app.add_typer(projects.app, name="project")
app.add_typer(events.app, name="event")
app.add_typer(builds.app, name="build")
