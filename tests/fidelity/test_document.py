"""`docs/engine.md` says what the code does: the accepted differences, the caps, the notebooks that do not run."""

from __future__ import annotations

import re
from pathlib import Path

from fidelity.accepted import ACCEPTED
from fidelity.books.library import NOT_RUN, PAPERMILL

from brignb.engine.budget import SPILL_MAX
from brignb.engine.capture import NAP
from brignb.engine.scribe import LOG_MAX, TRACEBACK_MAX
from brignb.engine.seam import Plan
from brignb.model.shapes import DEPTH_MAX, DIGITS_MAX

DOCUMENT = (Path(__file__).parents[2] / "docs" / "engine.md").read_text(encoding="utf-8")
TEXT = " ".join(DOCUMENT.split())


def test_the_table_is_the_codes() -> None:
    """Every accepted difference, with its tiers and its reason, and no other."""
    table = DOCUMENT.partition("| what differs | where | why |\n|---|---|---|\n")[2].partition("\n\n")[0]
    assert table.splitlines() == [row.row() for row in ACCEPTED]


def test_papermills_notebooks_are_here_or_it_is_said_why_not() -> None:
    """Each one of papermill's that does not run, and none that does."""
    told = dict(re.findall(r"^\* `(\S+\.ipynb)`: (.*)\.$", DOCUMENT, re.MULTILINE))
    assert told == NOT_RUN
    assert not {path.name for path in PAPERMILL.glob("*.ipynb")} & told.keys()


def test_the_numbers_are_the_codes() -> None:
    plan, mebi = Plan(), 1024 * 1024
    for sentence in (
        f"| the text and displays of a cell | {plan.cell_bytes // mebi} MiB | up to {SPILL_MAX // mebi} MiB beside the record |",
        f"| displays of a cell | {plan.cell_displays:,} |",
        f"| the outputs of a run | {plan.run_bytes // mebi} MiB |",
        f"each part of its traceback | {TRACEBACK_MAX // 1024} Ki characters |",
        f"| the worker's log | {LOG_MAX // mebi} MiB |",
        f"once in {NAP * 1000:.0f} ms at the most",
        f"at most {DIGITS_MAX:,} digits",
        f"at most {DEPTH_MAX} deep",
    ):
        assert sentence in TEXT, sentence
