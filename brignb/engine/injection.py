"""The `injected-parameters` cell: rendered by papermill, shown in the record, never executed.

notebook + parameters ──▶ inject ──▶ notebook with the cell where papermill puts it
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Final

from brignb.errors import ParameterError
from brignb.model.otherlanguages import dangerous

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


def inject(
    notebook: dict[str, Any], parameters: Mapping[str, Any], *, kernel_name: str = "python3", language: str = "python"
) -> dict[str, Any]:
    """The notebook with the cell that shows the parameters; as it is when there are none, or when papermill did it already.

    A cell that an earlier run left is replaced, as papermill does.

    Args:
        notebook: Stays as it is.
        parameters: By name, of JSON types.
        kernel_name: The kernelspec's; papermill renders by it.
        language: As the kernelspec says it; papermill renders by it when it does not know the kernel's name.

    Raises:
        ParameterError: papermill cannot write that language.
    """
    shown = notebook.get("metadata", {}).get("papermill", {}).get("parameters")
    done = shown == parameters and any(INJECTED in tags_of(cell) for cell in notebook["cells"])
    if not parameters or done:
        return notebook
    for name, value in parameters.items():
        if dangerous(language.lower(), value):
            raise ParameterError(
                f"a text with $ or ` in it cannot be written safely in {language}", where=f"parameter {name}"
            )
    import nbformat  # noqa: PLC0415 - heavy, and seldom needed: papermill did it, or nothing is to be shown
    from papermill.exceptions import PapermillException  # noqa: PLC0415 - the same
    from papermill.parameterize import parameterize_notebook  # noqa: PLC0415 - the same

    node = nbformat.from_dict({**notebook, "nbformat": 4, "nbformat_minor": 5})
    node.metadata.setdefault("papermill", {"version": VERSION})
    for cell in node.cells:
        cell.metadata.setdefault("tags", [])
    try:
        rendered: dict[str, Any] = parameterize_notebook(
            node, dict(parameters), kernel_name=kernel_name, language=language
        )
    except PapermillException as error:
        raise ParameterError(f"papermill cannot write parameters in {language}: {error}") from error
    return rendered
