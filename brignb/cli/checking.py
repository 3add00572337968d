"""`brignb check`: what an author should hear before a build does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from brignb.cli.output import calm, note, say, show_json
from brignb.cli.words import Format, Output
from brignb.errors import NotFound

if TYPE_CHECKING:
    from brignb.export import Review

_EXAMPLES: Final = """\
Examples:  [bold]brignb check brignb.ipynb[/], or with warnings as failures: [bold]brignb check --strict notebooks/[/]

A line that ends in [bold]# brignb: ok[/] has been looked at: it gets no warning."""
_FOUND: Final = 2


def add(app: typer.Typer) -> None:
    """Register it."""
    app.command(epilog=_EXAMPLES)(check)


def check(
    notebooks: Annotated[
        list[Path], typer.Argument(metavar="NOTEBOOK…", help="Notebooks, or folders: all notebooks in them.")
    ],
    *,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail too.")] = False,
    project: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A project file, for its secrets; else project.yaml, here or beside the notebook."
        ),
    ] = None,
    output: Output = Format.TEXT,
) -> int:
    """Tell what is wrong with a notebook, each with its cell, line and cure.

    Errors are what a build would fail on, and secrets in the file. Exit code 2 when there are any.
    """
    from brignb.wiring.checking import review_file  # noqa: PLC0415 - `--help` checks nothing

    reviews = [review_file(path, project) for path in _files(notebooks)]
    failed = any(review.problems or (strict and review.warnings) for review in reviews)
    if output is Format.JSON:
        found = [{"notebook": review.name, **each.to_json()} for review in reviews for each in review.findings]
        show_json({"items": found, "next": None})
    else:
        for review in reviews:
            _tell(review)
        note(_sum(reviews))
    return _FOUND if failed else 0


def warn(review: Review) -> None:
    """A notebook's warnings, on stderr."""
    for warning in review.warnings:
        note(calm(f"warning: {warning}"))


def _files(given: list[Path]) -> list[Path]:
    found: list[Path] = []
    for path in given:
        if path.is_dir():
            inside = sorted(each for each in path.rglob("*.ipynb") if ".ipynb_checkpoints" not in each.parts)
            if not inside:
                raise NotFound("there is no notebook in it", where=str(path))
            found += inside
        else:
            found.append(path)
    return found


def _tell(review: Review) -> None:
    for each in review.findings:
        place = f"{review.name}: {each.where}" if each.where else review.name
        say(calm(f"{place}: {each.severity}: {each.message}"))
        if each.hint:
            say(calm(f"    {each.hint}"))


def _sum(reviews: list[Review]) -> str:
    errors, warnings = (sum(map(len, each)) for each in ([r.problems for r in reviews], [r.warnings for r in reviews]))
    checked = _many(len(reviews), "notebook")
    return (
        f"{checked}: {_many(errors, 'error')}, {_many(warnings, 'warning')}"
        if errors or warnings
        else f"{checked}: all well"
    )


def _many(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
