"""Engines under test, and what a test sees of a run. Later tiers join `ENGINES`."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from brignb.engine.core import ShellEngine
from brignb.engine.journal import decode, encode, fold
from brignb.engine.kernel import backstage
from brignb.engine.kernel.engine import KernelEngine
from brignb.engine.kernel.named import Named
from brignb.engine.running import run_worker_notebook
from brignb.engine.seam import Plan, Sink
from brignb.kernels.forking import Forked
from brignb.model.builds import Outcome

Run = Callable[[dict[str, Any], Plan, Sink], Outcome]


def direct(notebook: dict[str, Any], plan: Plan, sink: Sink) -> Outcome:
    """The core itself."""
    return ShellEngine().run(notebook, plan, sink)


class Played:
    """A plan's names and following cells, in the kernel: it is forked from here, so it has them as they are."""

    def __init__(self, plan: Plan) -> None:
        self.names = plan.names
        self.following = plan.following

    def leave(self) -> dict[str, Any]:
        return {}


def forked(notebook: dict[str, Any], plan: Plan, sink: Sink) -> Outcome:
    """A forked ipykernel."""
    backstage.enter(Played(plan))
    return KernelEngine("kernel", Forked(entering=backstage.asking("begin"))).run(notebook, plan, sink)


def cold(notebook: dict[str, Any], plan: Plan, sink: Sink) -> Outcome:
    """A fresh kernel by its kernelspec; it gets names as JSON, and knows of nothing that follows."""
    return KernelEngine("cold", Named(notebook, plain=plan.names)).run(notebook, plan, sink)


ENGINES: dict[str, Run] = {"shell": direct, "papermill": run_worker_notebook, "kernel": forked, "cold": cold}
SLOW = {"cold"}
"""Those that take half a second to start."""

DIFFERENCES: dict[tuple[str, str], str] = {
    ("kernel", "a task that exits"): "ipykernel's event loop ends with its process: the cell is killed, `kernel_died`",
}
"""(engine, behaviour) → why it is accepted that the engine does otherwise."""


@dataclass
class Seen:
    """A Sink that keeps everything; entries go through their encoding."""

    entries: list[dict[str, Any]] = field(default_factory=list)
    lines: list[tuple[str, str, bool]] = field(default_factory=list)
    on_line: Callable[[str], None] = lambda _text: None

    def entry(self, entry: Mapping[str, Any]) -> None:
        self.entries += decode(encode(entry))

    def line(self, stream: str, text: str, *, partial: bool) -> None:
        self.lines.append((stream, text, partial))
        self.on_line(text)


@dataclass(frozen=True)
class Ran:
    """A run that is over."""

    outcome: Outcome
    record: dict[str, Any]
    seen: Seen

    def outputs(self, cell: int) -> list[Any]:
        """Simplified: (stream, text), ("result", text), ("display", bundle), ("error", name)."""
        return [simple(output) for output in self.record["cells"][cell]["outputs"]]

    @property
    def statuses(self) -> list[str]:
        return [cell["metadata"]["brignb"]["status"] for cell in self.record["cells"]]

    @property
    def everything(self) -> str:
        """All that left the engine, as text."""
        return json.dumps([self.seen.entries, self.seen.lines, self.record])


def simple(output: Mapping[str, Any]) -> Any:
    kind = output["output_type"]
    if kind == "stream":
        return output["name"], output["text"]
    if kind == "execute_result":
        return "result", output["data"]["text/plain"]
    return ("error", output["ename"]) if kind == "error" else ("display", output["data"])


def code(source: str, *tags: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "source": source,
        "metadata": {"tags": list(tags)},
        "outputs": [],
        "execution_count": None,
    }


def notebook(*cells: str | dict[str, Any]) -> dict[str, Any]:
    nodes = [code(cell) if isinstance(cell, str) else cell for cell in cells]
    for at, node in enumerate(nodes):
        node.setdefault("id", f"cell-{at}")
    return {"cells": nodes, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def run(engine: Run, *cells: str | dict[str, Any], seen: Seen | None = None, **plan: Any) -> Ran:
    """Run cells, fold the record."""
    seen, made = seen or Seen(), notebook(*cells)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # user code warns on a stream of its own, not in this suite
        outcome = engine(made, Plan(**plan), seen)
    return Ran(outcome, fold(made, seen.entries, ended=None), seen)
