"""The record: the worker notebook and its journal, folded into the executed notebook.

    worker notebook + entries + how it ended ──▶ nbformat 4.5, papermill's metadata, truthful states

The same fold serves a live worker (`ended` is None: a running cell is `running`), a finished one, and one that was killed: there the
cell that ran is `killed`, the ones after it are `never-run`, and what was seen until then is kept. What must never happen: a cell
that is called `completed` and was not.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any, Final

from brignb.engine.cells import Cell, iso
from brignb.engine.injection import INJECTED, source_of
from brignb.model.builds import Outcome, State

MINOR: Final = 5
_DEBUGGED: Final = frozenset(map(str, (State.FAILED, State.TIMED_OUT, State.LOST)))
_PAPERMILL_EMPTY: Final[dict[str, Any]] = {"default_parameters": {}, "environment_variables": {}, "parameters": {}}


def fold(
    notebook: Mapping[str, Any],
    entries: Iterable[Mapping[str, Any]],
    *,
    ended: Outcome | None,
    about: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The record.

    Args:
        notebook: As the worker got it; it stays as it is.
        entries: The journal's.
        ended: How the run ended, when that is known from outside (it wins over the journal's own word); None: it may still run.
        about: More for `metadata.brignb`, such as the build's id. `debug`, the command that debugs a failed build, is told by a
            last cell, too, once it has failed.
    """
    record = Record(notebook)
    for entry in _last_attempt(entries):
        record.apply(entry)
    return record.close(ended, about or {})


def _last_attempt(entries: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    told = list(entries)
    starts = [at for at, entry in enumerate(told) if entry["op"] == "start"]
    return told[starts[-1] :] if starts else told


class Record:
    """A fold in progress; entries are applied in order.

    Args:
        notebook: As the worker got it.
    """

    def __init__(self, notebook: Mapping[str, Any]) -> None:
        self._notebook = notebook
        self._metadata = copy.deepcopy(dict(notebook.get("metadata", {})))
        self._metadata.pop("orig_nbformat", None)  # nbformat's own note to itself, which it does not write either
        self.cells = [Cell(copy.deepcopy(dict(cell))) for cell in notebook.get("cells", [])]
        self._displays: dict[str, list[dict[str, Any]]] = {}
        self._start: Mapping[str, Any] = {}
        self._finish: Mapping[str, Any] | None = None

    def apply(self, entry: Mapping[str, Any]) -> None:
        """Take one entry in; one of a later version's kind changes nothing."""
        take = getattr(self, f"_on_{entry['op']}", None)
        if take is not None:
            take(entry)

    def _on_start(self, entry: Mapping[str, Any]) -> None:
        self._start = entry
        injected = entry.get("injected")
        if injected:
            self._inject(**injected)

    def _inject(self, index: int, source: str) -> None:
        """The cell that shows the parameters; one of an earlier run is replaced."""
        made = Cell.made(source, [INJECTED])
        if index >= len(self.cells) or INJECTED not in self.cells[index].tags:
            self.cells.insert(index, made)
        elif source_of(self.cells[index].node) != source:
            self.cells[index] = made

    def _on_begin(self, entry: Mapping[str, Any]) -> None:
        if "source" in entry and entry["cell"] >= len(self.cells):
            self.cells.append(Cell.made(entry["source"], list(entry.get("tags", ()))))
        self.cells[entry["cell"]].begin(entry["at"], entry["count"])

    def _on_text(self, entry: Mapping[str, Any]) -> None:
        self.cells[entry["cell"]].text(entry["stream"], entry["text"])

    def _on_output(self, entry: Mapping[str, Any]) -> None:
        output = copy.deepcopy(dict(entry["output"]))
        self.cells[entry["cell"]].output(output)
        if entry.get("id") is not None:
            self._displays.setdefault(entry["id"], []).append(output)

    def _on_update(self, entry: Mapping[str, Any]) -> None:
        for output in self._displays.get(entry["id"], ()):
            output.update(data=copy.deepcopy(entry["data"]), metadata=copy.deepcopy(entry["metadata"]))

    def _on_clear(self, entry: Mapping[str, Any]) -> None:
        self.cells[entry["cell"]].clear(wait=entry["wait"])

    def _on_cut(self, entry: Mapping[str, Any]) -> None:
        self.cells[entry["cell"]].cut(entry["bytes"], entry["file"])

    def _on_end(self, entry: Mapping[str, Any]) -> None:
        self.cells[entry["cell"]].end(entry["at"], entry["seconds"], entry["status"])

    def _on_widgets(self, entry: Mapping[str, Any]) -> None:
        if "widgets" in entry:
            self._metadata["widgets"] = copy.deepcopy(entry["widgets"])
        else:
            self._metadata.setdefault("brignb", {})["widgets"] = entry["cut"]

    def _on_finish(self, entry: Mapping[str, Any]) -> None:
        self._finish = entry

    def close(self, ended: Outcome | None, about: Mapping[str, Any]) -> dict[str, Any]:
        """The record as it is now."""
        state, reason, message = self._outcome(ended)
        over = ended is not None or self._finish is not None
        reached = max((at for at, cell in enumerate(self.cells) if cell.status), default=-1)
        unharmed = not any(cell.harmed for cell in self.cells)
        note = f"{state}, {message or reason}" if message or reason else state
        taken = {str(cell.node["id"]) for cell in self.cells if cell.node.get("id")}
        moment = self._start.get("at")
        for at, cell in enumerate(self.cells):
            passed = at < reached or (over and unharmed and (reached >= 0 or state == State.SUCCEEDED))
            cell.close(at=moment, over=over, passed=passed, note=note, fresh_id=f"brignb-{at}", taken=taken)
            moment = cell.ended or moment
        unwell = ended is not None and ended.state is not State.SUCCEEDED and self._finish is None
        failed = unwell or any(cell.failed for cell in self.cells)
        told = {name: value for name, value in about.items() if name != "debug" or state in _DEBUGGED}
        mine = {**self._metadata.get("brignb", {}), **told, "state": state, "reason": reason, "message": message}
        if "tier" in self._start:
            mine["tier"] = self._start["tier"]
        if self._start.get("why"):
            mine["tier_why"] = self._start["why"]
        if "language_info" in self._start:
            self._metadata["language_info"] = copy.deepcopy(self._start["language_info"])
        metadata = {**self._metadata, "papermill": self._papermill(failed=failed), "brignb": mine}
        return {
            "cells": [*(cell.node for cell in self.cells), *([_debug_cell(mine, taken)] if "debug" in told else [])],
            "metadata": metadata,
            "nbformat": 4,
            "nbformat_minor": max(MINOR, int(self._notebook.get("nbformat_minor", MINOR))),
        }

    def _outcome(self, ended: Outcome | None) -> tuple[str, str | None, str | None]:
        if ended is not None:
            return str(ended.state), ended.reason, ended.message
        if self._finish is not None:
            return self._finish["state"], self._finish["reason"], self._finish["message"]
        return "running", None, None

    def _papermill(self, *, failed: bool) -> dict[str, Any]:
        start, finish = self._start, self._finish or {}
        return {
            **_PAPERMILL_EMPTY,
            **self._metadata.get("papermill", {}),
            "parameters": copy.deepcopy(start.get("parameters", {})),
            "version": start.get("version"),
            "start_time": iso(start.get("at")),
            "end_time": iso(finish.get("at")),
            "duration": finish.get("seconds"),
            "exception": True if failed else None,
        }


def _debug_cell(about: Mapping[str, Any], taken: set[str]) -> dict[str, Any]:
    """What to do about a failure, where it is read."""
    because = f" ({about['reason']})" if about["reason"] else ""
    text = f"**{about['state']}**{because}. Debug it in JupyterLab, with the same event and commit: `{about['debug']}`"
    own = "brignb-debug"
    while own in taken:
        own += "-"
    return {"cell_type": "markdown", "id": own, "metadata": {"tags": ["brignb"]}, "source": text}
