"""What differs between the notebook that a build ran and the one that there is now: sources, cell by cell, by nbdime.

Outputs, counts and metadata are no difference, and neither are cells that no build runs.
"""

from __future__ import annotations

import importlib.util
import io
import json
from typing import Any

from brignb.errors import BadInput

_ONLY_HERE = frozenset({"scratch", "injected-parameters"})


def difference(ran: bytes, now: bytes, *, name: str, colours: bool) -> str:
    """The difference as text; empty: there is none.

    Args:
        ran: The notebook that ran.
        now: The other one.
        name: Its file's, for errors.
        colours: Whether a terminal shows it.

    Raises:
        BadInput: nbdime is not installed, or one of them is no notebook.
    """
    if importlib.util.find_spec("nbdime") is None:
        raise BadInput("nbdime is not installed; it compares notebooks", hint="pip install 'brignb[lab]'")
    from nbdime import diff_notebooks  # noqa: PLC0415 - an extra, and slow to import
    from nbdime.diffing.notebooks import set_notebook_diff_targets  # noqa: PLC0415 - the same
    from nbdime.prettyprint import PrettyPrintConfig, pretty_print_notebook_diff  # noqa: PLC0415 - the same

    before, after = _built(ran, "the notebook that ran"), _built(now, name)
    set_notebook_diff_targets(outputs=False, metadata=False, identifier=False, details=False)
    changes = diff_notebooks(before, after)
    if not changes:
        return ""
    out = io.StringIO()
    config = PrettyPrintConfig(out=out, use_color=colours, use_git=False, use_diff=False)
    pretty_print_notebook_diff("what ran", name, before, changes, config)
    return out.getvalue()


def _built(raw: bytes, name: str) -> Any:
    """A notebook without what no build runs."""
    import nbformat  # noqa: PLC0415 - the same

    try:
        notebook = nbformat.reads(raw.decode(), as_version=4)
    except (ValueError, nbformat.ValidationError) as error:
        raise BadInput(f"it is no notebook: {error}", where=name) from None
    notebook.cells = [cell for cell in notebook.cells if _ONLY_HERE.isdisjoint(cell.metadata.get("tags", ()))]
    return json.loads(json.dumps(notebook), object_hook=nbformat.NotebookNode)
