"""Which notebook is this? The kernel is not told by Jupyter's protocol, so each front end has a way of its own.

    --notebook F ──▶ VS Code's variable ──▶ Jupyter's environment ──▶ no answer: an error that says what was looked at

What is read is the file as it was saved last: what an editor has not saved yet, a kernel cannot know.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from IPython.core.getipython import get_ipython

from brignb.errors import NotebookError, NotFound
from brignb.export import declared_parameters
from brignb.model.parameters import Declared, read

_VSCODE: Final = "__vsc_ipynb_file__"
_JUPYTER: Final = "JPY_SESSION_NAME"
"""The path that jupyter_server (from version 2) opened the kernel for."""
_TAG: Final = "# parameters"


def variables() -> dict[str, Any]:
    """The notebook's; empty outside of IPython."""
    shell = get_ipython()
    return {} if shell is None else shell.user_ns


def notebook_path(given: str | os.PathLike[str] | None = None, *, environment: Mapping[str, str] = os.environ) -> Path:
    """The notebook's file.

    Args:
        given: The path, when the author names it.
        environment: Where Jupyter tells of it.

    Raises:
        NotFound: Nobody tells which one it is, or it is not there.
    """
    told = given or variables().get(_VSCODE) or environment.get(_JUPYTER)
    if not told:
        raise NotFound(
            "nobody tells this kernel which notebook it runs",
            where=f"neither Jupyter (${_JUPYTER}) nor VS Code",
            hint="name it: --notebook FILE.ipynb",
        )
    path = Path(told).expanduser()
    if not path.is_file():
        hint = "look at the path" if given else "was it renamed, or never saved? Name it: --notebook FILE.ipynb"
        raise NotFound("there is no such notebook", where=str(path), hint=hint)
    return path


def saved(given: str | os.PathLike[str] | None = None) -> tuple[Path, bytes]:
    """The notebook's file and what stands in it.

    Raises:
        NotFound: It is not known, or cannot be read.
    """
    path = notebook_path(given)
    try:
        return path, path.read_bytes()
    except OSError as error:
        raise NotFound(f"cannot be read: {error.strerror}", where=str(path)) from error


def parameters(given: str | os.PathLike[str] | None = None) -> tuple[str, tuple[Declared, ...]]:
    """Where the notebook's `parameters` cell is, and what it declares; in a shell without a notebook, the last cell that begins so.

    Raises:
        NotFound: The notebook is not known and no cell of this session begins with `# parameters`.
        NotebookError: The file is no notebook.
    """
    try:
        path, raw = saved(given)
    except NotFound:
        if given is None and (typed := _typed()) is not None:
            return "this session", read(typed).declared
        raise
    try:
        document = json.loads(raw)
        return path.name, declared_parameters(document)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotebookError("is no notebook that can be read", where=str(path)) from error


def _typed() -> str | None:
    """The last cell of this session that begins with `# parameters`."""
    cells = [cell for cell in variables().get("In", []) if cell.lstrip().startswith(_TAG)]
    return cells[-1] if cells else None
