"""`export` and `check`: this notebook, as it was saved last, becomes a worker notebook, or a list of what is wrong with it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from brignb.errors import BadInput
from brignb.export import check as checked
from brignb.export import to_bytes
from brignb.magics.notebooks import saved
from brignb.script.markup import moment
from brignb.script.session import current


@dataclass(frozen=True, slots=True)
class Told:
    """What was found or done, to be read."""

    lines: tuple[str, ...]

    def __repr__(self) -> str:
        return "\n".join(self.lines)


def export(output: str | os.PathLike[str] | None = None, *, notebook: str | os.PathLike[str] | None = None) -> Told:
    """Check this notebook and write the worker notebook; `%brig export` is this.

    Args:
        output: Where to; None: `NAME-worker.ipynb` beside it.
        notebook: Its file; None: the one that runs here.

    Raises:
        NotebookError: It cannot be exported; every reason is told.
        NotFound: Nobody tells which notebook this is.
        BadInput: It would overwrite the notebook itself, or cannot be written.
    """
    path, raw = saved(notebook)
    worker = Path(output).expanduser() if output else path.with_name(f"{path.stem}-worker.ipynb")
    if worker.exists() and worker.samefile(path):
        raise BadInput("it would overwrite the notebook itself", where=str(worker), hint="choose another name")
    exported = checked(raw, name=path.name, redactor=current().redactor)
    try:
        worker.write_bytes(to_bytes(exported))
    except OSError as error:
        raise BadInput(f"cannot be written: {error.strerror}", where=str(worker)) from error
    names = ", ".join(parameter.name for parameter in exported.parameters)
    dropped = f", {exported.dropped} scratch cells left out" if exported.dropped else ""
    cells = len(exported.worker_notebook["cells"])
    return Told(
        (
            *(f"warning: {warning}" for warning in exported.warnings),
            f"wrote {worker}: {cells} cells, parameters: {names or 'none'}{dropped}",
            _as_saved(path),
        )
    )


def check(notebook: str | os.PathLike[str] | None = None) -> Told:
    """What is wrong with this notebook, and what may be; `%brig check` is this.

    Raises:
        NotebookError: It cannot be exported; every reason is told.
        NotFound: Nobody tells which notebook this is.
    """
    path, raw = saved(notebook)
    exported = checked(raw, name=path.name, redactor=current().redactor)
    warnings = [f"warning: {warning}" for warning in exported.warnings]
    return Told((*(warnings or [f"{path.name}: all well"]), _as_saved(path)))


def _as_saved(path: Path) -> str:
    """A kernel sees files, not editors."""
    return f"as it was saved at {moment(path.stat().st_mtime_ns // 1_000_000)}"
