"""How a worker executes its notebook: through papermill, by the engine `brignb`, silently."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

from brignb.engine.seam import Plan, Sink
from brignb.model.builds import Outcome


def run_worker_notebook(notebook: dict[str, Any], plan: Plan, sink: Sink) -> Outcome:
    """Execute a worker notebook with papermill.

    papermill renders the `injected-parameters` cell, and dispatches to our engine, which binds `plan.parameters`. The record is
    made of what the sink got, not of papermill's notebook.

    Args:
        notebook: As `brignb.export` wrote it.
        plan: What to do with it.
        sink: Takes what is seen.
    """
    import nbformat  # noqa: PLC0415 - heavy: only a worker needs them
    from papermill.execute import execute_notebook  # noqa: PLC0415 - the same

    outcomes: list[Outcome] = []
    node = nbformat.from_dict(notebook)
    with _silent():
        execute_notebook(
            node,
            None,
            parameters=dict(plan.parameters),
            engine_name="brignb",
            kernel_name="python3",  # a notebook need not name one; the engine runs Python
            language="python",
            progress_bar=False,
            plan=plan,
            sink=sink,
            told=outcomes.append,
        )
    return outcomes[0]


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Papermill's own log is nobody's business here."""
    log = logging.getLogger("papermill")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(level)
