"""What two executed notebooks have in common, and in what they differ.

Values that differ by their nature are made equal first, by one list of patterns; nothing else is.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from itertools import groupby
from typing import Any

from fidelity.books.book import Book
from fidelity.runner import MARKER

INJECTED = "injected-parameters"
BY_NATURE: list[tuple[str, str, str]] = [
    (r"0x[0-9a-f]{6,}", "0xADDRESS", "an object's address"),
    (
        r"/tmp/ipykernel_\d+/\d+\.py|<ipython-input-\d+-[0-9a-f]+>|(?<=\()\d+\.py(?=, line)",
        "CELL",
        "where a cell's code is said to stand",
    ),
    (r"FOLDER_OF_THE_RUN", "FOLDER", "each run has a folder of its own"),
    (r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])", "ID", "a random id of a widget or a display"),
    (r"(?:(?<=user )|(?<=sys: )|(?<=total: )|(?<=Wall time: ))[\d.e+]+ [mnμµ]?s", "TIME", "measured"),
    (r"\d\d:\d\d(?:(?:<|&lt;)\d\d:\d\d)?,[ \u2007]+[\d.]+(?:it/s|s/it)", "RATE", "measured"),
]
"""(pattern, what stands for it, why)."""


_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_FRAME = re.compile(
    r"^(?P<where>Cell In\[\d+\]|File [^\n]+?)(?:, line \d+|:\d+)(?:, in (?P<name>[^\n(]+))?", re.MULTILINE
)


class Seen:
    """An executed notebook, as it is compared.

    Args:
        result: Of the runner.
        folder: Of the run.
        book: What was run.
    """

    def __init__(self, result: Mapping[str, Any], folder: str, book: Book) -> None:
        self._folder = folder
        self.drawings: list[list[str]] = []
        self.raised = result["raised"]
        notebook = result["notebook"]
        cells = [cell for cell in notebook["cells"] if MARKER not in cell["metadata"].get("tags", [])]
        owners = iter(book.owners())
        self.cells: dict[str, list[dict[str, Any]]] = {"injected": [], **{name: [] for name in book.behaviours}}
        has_injected = any(
            INJECTED in cell["metadata"].get("tags", []) for b in book.behaviours.values() for cell in b.cells
        )
        for cell in cells:
            tags = cell["metadata"].get("tags", [])
            injected = INJECTED in tags and not has_injected
            owner = "injected" if injected else next(owners, "beyond")
            racing = owner in book.behaviours and bool(book.behaviours[owner].racing)
            self.cells.setdefault(owner, []).append(
                self._cell(cell, racing=racing, with_id=book.minor >= 5 and INJECTED not in tags)
            )
        marked = len(notebook["cells"]) - len(cells)
        self.notebook = {
            "metadata": self._metadata(notebook["metadata"]),
            "format": [notebook["nbformat"], notebook["nbformat_minor"]],
            "markers": marked,
            "raised": bool(self.raised),
            "tracebacks": self.drawings,
            "execution": any("execution" in cell["metadata"] for cell in cells),
        }

    def _cell(self, cell: Mapping[str, Any], *, racing: bool, with_id: bool) -> dict[str, Any]:
        metadata = {k: v for k, v in cell["metadata"].items() if k not in {"papermill", "brignb", "execution"}}
        metadata.setdefault("tags", [])
        about = cell["metadata"].get("papermill", {})
        seen = {
            "source": text_of(cell["source"]),
            "id": cell["id"] if with_id else None,
            "metadata": metadata,
            "attachments": cell.get("attachments"),
            "times": [about.get(key) is not None for key in ("start_time", "end_time", "duration")],
            "exception": about.get("exception"),
            "status": about.get("status"),
        }
        if cell["cell_type"] == "code":
            seen["count"] = cell["execution_count"]
            own = [_counted(o, seen["count"]) for o in cell["outputs"]]
            seen["outputs"] = self._outputs(own, racing=racing)
        return seen

    def _outputs(self, outputs: list[dict[str, Any]], *, racing: bool) -> list[Any]:
        gathered: list[Any] = []
        for output in outputs:
            if output["output_type"] == "stream":
                _add_text(gathered, output["name"], self._plain(text_of(output["text"])))
            elif output["output_type"] == "error":
                self.drawings.append(output["traceback"])
                gathered.append(self._plain(_error(output)))
            else:
                gathered.append(
                    self._plain({**output, "data": _joined(output["data"])} if "data" in output else output)
                )
        return [_bag(output) if racing and "stream" in output else output for output in gathered]

    def _metadata(self, metadata: Mapping[str, Any]) -> dict[str, Any]:
        about = {
            k: v for k, v in metadata.get("papermill", {}).items() if not k.endswith(("_time", "duration", "_path"))
        }
        seen = {**{k: v for k, v in metadata.items() if k != "brignb"}, "papermill": about}
        if "widgets" in metadata:
            models = metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"].values()
            seen["widgets"] = sorted(json.dumps(self._plain(model), sort_keys=True) for model in models)
        return self._plain(seen)

    def _plain(self, value: Any) -> Any:
        text = json.dumps(value, ensure_ascii=False).replace(self._folder, "FOLDER_OF_THE_RUN")
        for pattern, stands, _ in BY_NATURE:
            text = re.sub(pattern, stands, text)
        return json.loads(text)


def text_of(source: Any) -> str:
    """nbformat writes texts as texts or as lists of lines."""
    return source if isinstance(source, str) else "".join(source)


def _error(output: Mapping[str, Any]) -> dict[str, Any]:
    """An error as its exceptions and the frames of its traceback, in order.

    How a frame is drawn is IPython's affair: it draws an excerpt with the failing expression where it finds the cell's source, and
    ipykernel's names for cells it does not find. What it draws there is compared on its own (`drawings`). A recursion
    is folded or not by the same rule, so equal frames in a row are one.
    """
    text = _ANSI.sub("", "\n".join(output["traceback"]))
    frames = [key for key, _ in groupby((found["where"], found["name"] or "") for found in _FRAME.finditer(text))]
    return {
        "error": output["ename"],
        "says": output["evalue"],
        "frames": frames,
        "last": text.rstrip().splitlines()[-1:],
    }


def _joined(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        mime: "".join(part) if isinstance(part, list) and "json" not in mime else part for mime, part in data.items()
    }


def _add_text(gathered: list[Any], name: str, text: str) -> None:
    """Between two other outputs each stream is one text: where it is split, and how the two interleave, is the flushing's."""
    for output in reversed(gathered):
        if "stream" not in output:
            break
        if output["stream"] == name:
            output["text"] += text
            return
    gathered.append({"stream": name, "text": text})
    if len(gathered) > 1 and "stream" in gathered[-2] and gathered[-2]["stream"] > name:
        gathered[-2:] = gathered[-2:][::-1]


def _counted(output: dict[str, Any], count: int | None) -> dict[str, Any]:
    """A result's count is its cell's; that one is compared."""
    own = count is not None and output.get("execution_count") == count
    return {**output, "execution_count": "its cell's"} if own else output


def _bag(output: dict[str, Any]) -> dict[str, Any]:
    return {**output, "text": sorted(output["text"])}


def _same(aspect: str, theirs: Any, mine: Any) -> bool:
    if aspect != "outputs" or not any(
        isinstance(output.get("text"), list) for output in [*(theirs or ()), *(mine or ())]
    ):
        return bool(theirs == mine)
    texts = [Counter(c for o in outputs for c in o.get("text", ())) for outputs in (theirs, mine)]
    rest = [[o for o in outputs if "stream" not in o] for outputs in (theirs, mine)]
    return rest[0] == rest[1] and texts[0] <= texts[1]


def differences(stock: Seen, ours: Seen) -> dict[tuple[str, str], tuple[Any, Any]]:
    """(behaviour, aspect): papermill's value and ours."""
    found: dict[tuple[str, str], tuple[Any, Any]] = {}
    for aspect in ("format", "markers", "raised", "execution", "tracebacks"):
        if stock.notebook[aspect] != ours.notebook[aspect]:
            found["notebook", aspect] = (stock.notebook[aspect], ours.notebook[aspect])
    before, after = stock.notebook["metadata"], ours.notebook["metadata"]
    for key in sorted({*before, *after}):
        if before.get(key) != after.get(key):
            found["notebook", key] = (before.get(key), after.get(key))
    for name in stock.cells | ours.cells:
        theirs, mine = stock.cells.get(name, []), ours.cells.get(name, [])
        if len(theirs) != len(mine):
            found[name, "cells"] = (len(theirs), len(mine))
        for a, b in zip(theirs, mine, strict=False):
            for aspect in sorted({*a, *b}):
                if not _same(aspect, a.get(aspect), b.get(aspect)):
                    found.setdefault((name, aspect), (a.get(aspect), b.get(aspect)))
    return found
