"""The `injected-parameters` cell: rendered by papermill, shown in the record, never executed.

notebook + parameters ──▶ inject ──▶ notebook with the cell where papermill puts it
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Final

VERSION: Final = version("papermill")
INJECTED: Final = "injected-parameters"
PARAMETERS: Final = "parameters"


def tags_of(cell: Mapping[str, Any]) -> list[str]:
    """A cell's tags."""
    return list(cell.get("metadata", {}).get("tags", []))


def source_of(cell: Mapping[str, Any]) -> str:
    """A cell's source; nbformat writes it as a text or as a list of lines."""
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


def inject(notebook: dict[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The notebook with the cell that shows the parameters; as it is when there are none, or when papermill did it already.

    A cell that an earlier run left is replaced, as papermill does.

    Args:
        notebook: Stays as it is.
        parameters: By name, of JSON types.
    """
    shown = notebook.get("metadata", {}).get("papermill", {}).get("parameters")
    done = shown == parameters and any(INJECTED in tags_of(cell) for cell in notebook["cells"])
    if not parameters or done:
        return notebook
    import nbformat  # noqa: PLC0415 - heavy, and seldom needed: papermill did it, or nothing is to be shown
    from papermill.parameterize import parameterize_notebook  # noqa: PLC0415 - the same

    node = nbformat.from_dict({**notebook, "nbformat": 4, "nbformat_minor": 5})
    node.metadata.setdefault("papermill", {"version": VERSION})
    for cell in node.cells:
        cell.metadata.setdefault("tags", [])
    rendered: dict[str, Any] = parameterize_notebook(node, dict(parameters), kernel_name="python3", language="python")
    return rendered
