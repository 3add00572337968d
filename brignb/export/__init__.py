"""Export: an author's notebook becomes the worker notebook, or a list of everything that is wrong with it.

    bytes ──▶ document ──▶ cells ──▶ checks ──▶ Exported(worker_notebook, parameters, on, …)
                                        └─────▶ NotebookError, with each problem's cell and line

Outputs, execution counts and scratch cells are gone; the `parameters` cell is kept, with its types; where it came from stands in
`metadata.brignb`. The same notebook gives the same bytes. `review` tells an author more: see `reviewing`. What must never happen: a secret in a worker notebook, a crash on a file
that somebody pushed.
"""

from brignb.export.cache import Exports, Ready
from brignb.export.checking import check
from brignb.export.reading import declared_parameters, listed_types
from brignb.export.reviewing import Review, review
from brignb.export.tiers import FORK, KERNEL, choose
from brignb.export.writing import Exported, to_bytes

__all__ = [
    "FORK",
    "KERNEL",
    "Exported",
    "Exports",
    "Ready",
    "Review",
    "check",
    "choose",
    "declared_parameters",
    "listed_types",
    "review",
    "to_bytes",
]
