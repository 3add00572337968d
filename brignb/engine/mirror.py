"""The mirror: what the core sees, put into papermill's notebook as it happens, with papermill's own calls.

papermill writes its whole file at every event of every cell; this writes at most once a second, and less often when a write takes
long, so that a long notebook costs no more than its length. The file is replaced, never half written.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import nbformat
from papermill.iorw import papermill_io
from papermill.log import logger

from brignb.engine.record import Record

_EVERY: Final = 1.0
_SHARE: Final = 20
"""A write is followed by at least this many times its own duration without one."""


class Mirror:
    """A Sink over papermill's notebook. Between `__enter__` and `__exit__` papermill itself writes nothing.

    Args:
        manager: papermill's.
        options: papermill's `log_output`, `stdout_file`, `stderr_file`.
    """

    def __init__(self, manager: Any, options: Mapping[str, Any]) -> None:
        self._manager = manager
        self._nb = manager.nb
        self._record = Record(self._nb)
        self._files = {"stdout": options.get("stdout_file"), "stderr": options.get("stderr_file")}
        self._log = bool(options.get("log_output"))
        self._output = manager.output_path
        self._path = _local(self._output)
        self._next_save = time.monotonic() + _EVERY
        self._running: int | None = None
        self._spilled: set[int] = set()

    def __enter__(self) -> Self:
        self._manager.output_path = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for index in range(len(self._record.cells)):
            self._show(index)  # a later cell may have updated an earlier one's display
        closed = self._record.close(None, {})
        for name in {"language_info", "widgets"} & closed["metadata"].keys():
            self._nb.metadata[name] = nbformat.from_dict(closed["metadata"][name])
        for cell, node in zip(self._nb.cells, closed["cells"], strict=True):
            if cell.cell_type != "code":
                cell.metadata.papermill = node["metadata"]["papermill"]
        self._manager.output_path = self._output

    def entry(self, entry: Mapping[str, Any]) -> None:
        """Into the notebook."""
        self._record.apply(entry)
        if entry["op"] == "begin":
            self._begin(entry["cell"])
        elif entry["op"] == "end":
            self._end(entry["cell"], entry["status"])
        if self._path is not None and time.monotonic() >= self._next_save:
            self._save(self._path)

    def lines(self, stream: str, text: str, *, partial: bool) -> None:
        """Into papermill's log and files, when it was asked for them."""
        file = self._files[stream]
        if file is not None:
            file.write(text if partial else f"{text}\n")
            file.flush()
        if self._log:
            for line in text.split("\n"):
                (logger.info if stream == "stdout" else logger.warning)(line)

    @property
    def spilling(self) -> Callable[[int, str], str] | None:
        """Where cut text goes: beside the output notebook, if that is a file of this machine."""
        return None if self._path is None else functools.partial(self._spill, self._path)

    def _spill(self, path: Path, cell: int, text: str) -> str:
        file = path.with_name(f"{path.stem}.cell-{cell + 1}.txt")
        with file.open("a" if cell in self._spilled else "w", encoding="utf-8") as out:
            out.write(text)
        self._spilled.add(cell)
        return file.name

    def _begin(self, index: int) -> None:
        if index == len(self._nb.cells):
            self._nb.cells.append(nbformat.v4.new_code_cell(**_appended(self._record.cells[index].node)))
        self._running = index
        self._manager.cell_start(self._nb.cells[index], index)

    def _end(self, index: int, status: str) -> None:
        cell = self._nb.cells[index]
        if status in {"failed", "killed"}:
            self._manager.cell_exception(cell, index)
        self._manager.cell_complete(cell, index)
        self._show(index)
        self._running = None

    def _show(self, index: int) -> None:
        seen = self._record.cells[index]
        if not seen.code or not seen.status or index >= len(self._nb.cells):
            return
        cell = self._nb.cells[index]
        cell.outputs = nbformat.from_dict(seen.outputs())
        cell.execution_count = seen.node["execution_count"]
        cell.metadata.papermill = seen.papermill(seen.status)

    def _save(self, path: Path) -> None:
        began = time.monotonic()
        if self._running is not None:
            self._show(self._running)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.write_text(nbformat.v4.writes(self._nb), encoding="utf-8")
        draft.replace(path)
        took = time.monotonic() - began
        self._next_save = time.monotonic() + max(_EVERY, _SHARE * took)


def _appended(node: Mapping[str, Any]) -> dict[str, Any]:
    return {"source": node["source"], "metadata": {**node["metadata"], "papermill": {}}}


def _local(output: str | None) -> Path | None:
    """The output's file, if it is one of this machine; relative to where papermill was called, not to its `--cwd`."""
    if output is None or output == "-" or "://" in output:
        return None
    home = getattr(papermill_io.get_handler("local"), "_cwd", None)
    return Path(home or Path.cwd()) / output
