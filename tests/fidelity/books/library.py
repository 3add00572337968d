"""All books, by name; papermill's own notebooks among them."""

import json
from pathlib import Path
from typing import Any

from fidelity.books.book import Book, shows
from fidelity.books.displays import DISPLAYS
from fidelity.books.ends import ENDS
from fidelity.books.failures import FAILURES
from fidelity.books.figures import FIGURES, WIDGETS
from fidelity.books.magics import MAGICS
from fidelity.books.text import STREAMS
from fidelity.books.together import CONCURRENT

PAPERMILL = Path(__file__).parents[1] / "papermill"
NOT_RUN = {
    "keyboard_interrupt.ipynb": "papermill only prepares it; its one cell sleeps for a minute",
    "notimplemented_translator.ipynb": "its kernel is R",
    "test_autosave.ipynb": "it is about how often papermill saves; its kernel is named `python`, which is no kernelspec here",
    "gcs-simple_notebook.ipynb": "it is read from Google's storage, and sleeps for 14 s",
    "s3-simple_notebook.ipynb": "it is read from Amazon's storage; its cells are no_parameters.ipynb's",
    "binder.ipynb": "it runs papermill's command line on a checkout of papermill",
}
"""Notebooks of papermill's tests that are not here, and why."""
_PARAMETERS: dict[str, dict[str, Any]] = {
    "simple_execute": {"msg": "Hello"},
    "no_parameters": {"msg": "Hello"},
    "report_mode_test": {"a": 0},
    "nb_version_4.4": {"var": "It works"},
    "blank-vscode": {"var": "It works"},
    "complex_parameters": {"msg": '"Hello"', "a": 2.5},
    "read_check": {},
}
"""As papermill's tests give them."""


def _of_papermill(path: Path) -> Book:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cells = {f"cell {at + 1}": shows(cell) for at, cell in enumerate(notebook["cells"])}
    return Book(
        cells,
        parameters=_PARAMETERS.get(path.stem, {}),
        metadata=notebook["metadata"],
        files={"check.txt": "exists"},
        minor=notebook["nbformat_minor"],
    )


BOOKS: dict[str, Book] = {
    "text": STREAMS,
    "displays": DISPLAYS,
    "magics": MAGICS,
    "failures": FAILURES,
    "together": CONCURRENT,
    "figures": FIGURES,
    "widgets": WIDGETS,
    **{f"end by {name}" if book.behaviours.get("the end") else name: book for name, book in ENDS.items()},
    **{f"papermill's {path.stem}": _of_papermill(path) for path in sorted(PAPERMILL.glob("*.ipynb"))},
}
