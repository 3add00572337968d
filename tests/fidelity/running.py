"""Books are run, each engine in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from fidelity.books.library import BOOKS
from fidelity.comparing import Seen

TESTS = Path(__file__).parents[1]
_START = f"import sys; sys.path.insert(0, {str(TESTS)!r}); from fidelity.runner import main; main(*sys.argv[1:])"


def run_books(engine: str, names: Sequence[str], folder: Path) -> dict[str, Seen]:
    """What an engine made of some books.

    Raises:
        AssertionError: The engine itself failed.
    """
    books = [
        {
            "notebook": BOOKS[name].notebook(),
            "parameters": BOOKS[name].parameters,
            "files": BOOKS[name].files,
            "alone": BOOKS[name].alone,
        }
        for name in names
    ]
    done = subprocess.run(
        [sys.executable, "-c", _START, engine, str(folder)],
        input=json.dumps(books),
        capture_output=True,
        text=True,
        timeout=300,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},  # ipykernel looks
        check=False,
    )
    seen = {}
    for at, name in enumerate(names):
        place = folder / str(at)
        error = place / "error.txt"
        assert (place / "result.json").exists(), (
            f"{engine}, {name}: {error.read_text() if error.exists() else done.stderr}"
        )
        seen[name] = Seen(json.loads((place / "result.json").read_text()), str(place / "work"), BOOKS[name])
    return seen
