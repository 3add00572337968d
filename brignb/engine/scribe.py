"""The scribe: what was seen, in order, becomes journal entries and lines of the worker's log.

    batch of (stream, text) and ("", entry) ──▶ redacted, capped ──▶ Sink

It runs on the capture's thread alone, so a `KeyboardInterrupt`, which only the main thread gets, never strikes while an entry is
half written. Text is redacted as a stream, before it is cut or becomes JSON; everything else as a tree. What must never happen: a
secret in an entry, two halves of it in two of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from brignb.engine.budget import Budget
from brignb.engine.bundles import clean_text
from brignb.engine.cells import Cell, cut_mark
from brignb.engine.seam import Plan, Sink

STREAMS: Final = ("stdout", "stderr")
LOG_MAX: Final = 64 * 1024 * 1024
"""Bytes that a run's lines take in the worker's log, each with `LINE_COST` for its time and stream."""
LINE_COST: Final = 36
TRACEBACK_MAX: Final = 256 * 1024
"""Characters of an error's text, and of each part of its traceback."""

Item = tuple[str, Any]
"""(stream, text), or ("", entry)."""


class Scribe:
    """See the module.

    Args:
        plan: Redactor, caps, spill.
        sink: Takes entries and lines.
    """

    def __init__(self, plan: Plan, sink: Sink) -> None:
        self._sink = sink
        self._redact = plan.redactor
        self._streams = {name: plan.redactor.stream() for name in STREAMS}
        self._open_line = dict.fromkeys(STREAMS, False)
        self._budget = Budget(plan, self._cut)
        self._cell = 0
        self._log_left = LOG_MAX
        self._unlogged = 0
        self._largest = plan.cell_bytes
        self._waiting_updates: dict[str, Mapping[str, Any]] = {}
        self._aside: str | None = None
        self.captured: dict[str, Cell] = {}

    def __call__(self, batch: Iterable[Item]) -> None:
        """Take what was seen since the last time."""
        for stream, items in groupby(batch, key=itemgetter(0)):
            if stream:
                self._write(stream, self._streams[stream].feed(clean_text("".join(text for _, text in items))))
            else:
                for _, entry in items:
                    self._entry(entry)

    def _entry(self, entry: Mapping[str, Any]) -> None:
        op = entry["op"]
        if op == "end" and entry["cell"] == self._cell:
            self._end_cell()
        tell = {
            "output": self._output,
            "update": self._update,
            "clear": self._clear,
            "begin": self._begin,
            "divert": self._divert,
        }.get(op)
        entry = self._redact.tree(entry)
        if tell:
            tell(entry)
        else:
            self._sink.entry(entry)

    def _begin(self, entry: Mapping[str, Any]) -> None:
        self._cell = entry["cell"]
        self._budget.renew(self._cell)
        self._aside = None
        self._sink.entry(entry)

    def _divert(self, entry: Mapping[str, Any]) -> None:
        """From here on an `Output` widget has what comes; None: the cell."""
        self._aside = entry["widget"]

    def _show(self, entry: Mapping[str, Any]) -> None:
        """Into the record, or into the widget that captures; in both it counts against the caps."""
        if self._aside is None:
            self._sink.entry(entry)
            return
        cell = self.captured.setdefault(self._aside, Cell.made("", []))
        if entry["op"] == "text":
            cell.text(entry["stream"], entry["text"])
        elif entry["op"] == "output":
            cell.output(dict(entry["output"]))
        else:
            cell.clear(wait=entry["wait"])

    def _end_cell(self) -> None:
        """What was kept back is text after all; an unfinished line ends with its cell."""
        for name, stream in self._streams.items():
            self._write(name, stream.flush())
            if self._open_line[name]:
                self._sink.lines(name, "", partial=False)
                self._open_line[name] = False
        if self._unlogged:
            self._sink.lines("stderr", cut_mark(self._unlogged, None), partial=False)
            self._unlogged = 0
        for update in self._waiting_updates.values():
            self._sink.entry(update)
        self._waiting_updates.clear()
        self._budget.end()

    def _write(self, stream: str, text: str) -> None:
        if not text:
            return
        cost = len(text) + LINE_COST * text.count("\n")
        if self._budget.exhausted or cost > self._log_left:
            self._unlogged += len(text.encode())
        else:
            self._log_left -= cost
            self._lines(stream, text)
        kept, rest = self._budget.split(text)
        if kept:
            self._show({"op": "text", "cell": self._cell, "stream": stream, "text": kept})
        if rest:
            self._budget.spill(rest)

    def _lines(self, stream: str, text: str) -> None:
        whole, newline, rest = text.rpartition("\n")
        if newline:
            self._sink.lines(stream, whole, partial=False)
        if rest:
            self._sink.lines(stream, rest, partial=True)
        self._open_line[stream] = bool(rest)

    def _output(self, entry: Mapping[str, Any]) -> None:
        output = entry["output"]
        if output["output_type"] == "error":
            self._show({**entry, "output": _shortened(output)})
        elif self._budget.display(_size(output), lambda: json.dumps(output)):
            self._show(entry)

    def _update(self, entry: Mapping[str, Any]) -> None:
        size = _size(entry)
        self._waiting_updates.pop(entry["id"], None)
        if self._budget.display(size, lambda: json.dumps(entry), update=True):
            self._sink.entry(entry)
        elif size <= self._largest:
            self._waiting_updates[entry["id"]] = entry

    def _clear(self, entry: Mapping[str, Any]) -> None:
        if self._aside is None:
            self._budget.clear()
        self._show(entry)

    def _cut(self, size: int, file: str | None) -> None:
        self._sink.entry({"op": "cut", "cell": self._cell, "bytes": size, "file": file})


def _size(entry: Mapping[str, Any]) -> int:
    return len(json.dumps(entry, ensure_ascii=False).encode())


def _shortened(error: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **error,
        "evalue": _short(error["evalue"]),
        "traceback": [_short(part) for part in error["traceback"]],
    }


def _short(text: str) -> str:
    rest = len(text) - TRACEBACK_MAX
    return text if rest <= 0 else f"{text[:TRACEBACK_MAX]}\n[brignb: cut, {rest} bytes, rest discarded]"
