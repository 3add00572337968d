"""`debug`: a build's notebook, with its event and its source, in a folder beside this one, to be opened here in Jupyter."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from brignb.magics.asking import connected
from brignb.script.markup import code, escaped, quiet


@dataclass(frozen=True, slots=True)
class Debugged:
    """Where it is.

    Args:
        build_id: Whose.
        notebook: Its file.
    """

    build_id: str
    notebook: Path

    def __repr__(self) -> str:
        return "\n".join([f"debug build {self.build_id} in {self.notebook}", "when it is mended:", *self._then()])

    def _repr_mimebundle_(self, **_asked: Any) -> dict[str, str]:
        """With a link, if it lies below this notebook's folder: a front end opens nothing else."""
        shown = escaped(self.notebook)
        if self.notebook.is_relative_to(Path.cwd()):
            path = self.notebook.relative_to(Path.cwd()).as_posix()
            shown = f'<a href="{escaped(quote(path))}">{escaped(path)}</a>'
        then = "".join(f"<div>{code(line)}</div>" for line in self._then())
        html = f"<div>debug build {code(self.build_id)} in {shown}</div><div>{quiet('when it is mended:')}</div>{then}"
        return {"text/plain": repr(self), "text/html": html}

    def _then(self) -> tuple[str, str]:
        where = os.path.relpath(self.notebook)
        return (
            f"brignb build diff {self.build_id} {where}",
            f"brignb build rerun {self.build_id} --notebook {where}",
        )


def debug(build_id: str, folder: str | os.PathLike[str] | None = None, *, server: str | None = None) -> Debugged:
    """Make the folder; `%brig debug` is this. What is there already, of the same build, stays as it is.

    Args:
        build_id: Of a build that has ended.
        folder: None: `brignb-debug-BUILD`, here.
        server: Its address; None: the one that runs here.

    Raises:
        NotFound: The server has no such build, or not its notebook any more.
        Conflict: The folder holds something else.
        BadInput: The build still runs.
        Unreachable: No server answers.
    """
    from brignb.wiring.debugging import prepare  # noqa: PLC0415 - most notebooks debug nothing

    with connected(server) as client:
        return Debugged(build_id, prepare(client, build_id, None if folder is None else Path(folder).expanduser()))
