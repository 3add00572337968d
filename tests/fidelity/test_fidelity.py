"""Every tier against stock papermill, cell by cell: outputs, counts, statuses, metadata.

The reference is run once a session. An engine that joins `contract.engines.ENGINES` is in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from contract.engines import ENGINES
from fidelity.accepted import ACCEPTED, accepts, stale
from fidelity.books.library import BOOKS
from fidelity.comparing import Seen, differences
from fidelity.runner import MIRROR, STOCK
from fidelity.running import run_books

TIERS = [*sorted(ENGINES), MIRROR]
SPREAD = [pytest.param(tier, marks=[pytest.mark.slow] if tier not in {"fork", "shell"} else []) for tier in TIERS]
FAST = tuple(name for name, book in BOOKS.items() if book.fast)
LONG = tuple(name for name in BOOKS if name not in FAST)
Stock = Callable[[Sequence[str]], dict[str, Seen]]


@pytest.fixture(scope="session")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Stock:
    """Stock papermill's results, each book run once."""
    made: dict[str, Seen] = {}

    def run(names: Sequence[str]) -> dict[str, Seen]:
        missing = [name for name in names if name not in made]
        if missing:
            made.update(run_books(STOCK, missing, tmp_path_factory.mktemp("stock")))
        return {name: made[name] for name in names}

    return run


def compare(tier: str, names: Sequence[str], stock: Stock, folder: Path) -> None:
    theirs, ours = stock(names), run_books(tier, names, folder)
    found = {
        f"{book}/{behaviour}/{aspect}": values
        for book in names
        for (behaviour, aspect), values in differences(theirs[book], ours[book]).items()
    }
    new = [
        f"{where}\n  papermill: {a!r:.900}\n  {tier}: {b!r:.900}"
        for where, (a, b) in found.items()
        if not accepts(tier, where)
    ]
    assert not new, "\n".join(new)
    assert stale(tier, found, names) == []


@pytest.mark.slow
@pytest.mark.parametrize("tier", SPREAD)
def test_what_notebooks_do_most_is_as_in_papermill(tier: str, stock: Stock, tmp_path: Path) -> None:
    """Text, displays, magics and failures: a notebook that was written in Jupyter does the same in a build."""
    compare(tier, FAST, stock, tmp_path / "ours")


@pytest.mark.slow
@pytest.mark.parametrize("tier", TIERS)
def test_everything_else_is_as_in_papermill(tier: str, stock: Stock, tmp_path: Path) -> None:
    """Concurrency, figures, widgets, ends, parameters, and the notebooks of papermill's own tests."""
    compare(tier, LONG, stock, tmp_path / "ours")


def test_the_books_are_whole() -> None:
    """The suite is as large as the issue asks, and no row stands twice."""
    assert sum(len(book.behaviours) for book in BOOKS.values()) > 300
    assert len({row.what for row in ACCEPTED}) == len(ACCEPTED)


def whole(names: Sequence[str], stock: Stock) -> None:
    unfinished = [
        (name, cell["source"])
        for name, seen in stock(names).items()
        for cells in seen.cells.values()
        for cell in cells
        if cell["status"] != "completed"
    ]
    assert unfinished == []


def test_the_reference_runs_to_its_end(stock: Stock) -> None:
    """A cell that stops stock papermill would hide everything after it."""
    whole(FAST, stock)


@pytest.mark.slow
def test_the_whole_reference_runs_to_its_end(stock: Stock) -> None:
    """The same, of all notebooks that are not about an end."""
    whole([name for name in LONG if not name.startswith(("end by", "papermill's"))], stock)
