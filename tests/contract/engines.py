"""Engines under test, and what a test sees of a run. Later tiers join `ENGINES`."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from contract.forked import in_child

from brignb.engine.core import ShellEngine
from brignb.engine.journal import decode, encode, fold
from brignb.engine.running import run_worker_notebook
from brignb.engine.seam import Plan, Sink
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
    """A forked ipykernel; what it needs is imported here, once: in the other tiers' processes a notebook must not find it."""
    from brignb.engine.protocol import backstage
    from brignb.engine.protocol.engine import KernelEngine
    from brignb.kernels import app as _ahead  # noqa: F401 - or every forked kernel would import it anew
    from brignb.kernels.forking import Forked

    backstage.enter(Played(plan))
    return KernelEngine("kernel", Forked(entering=backstage.asking("begin"))).run(notebook, plan, sink)


def cold(notebook: dict[str, Any], plan: Plan, sink: Sink) -> Outcome:
    """A fresh kernel by its kernelspec; it gets names as JSON, and knows of nothing that follows."""
    from brignb.engine.protocol.engine import KernelEngine
    from brignb.engine.protocol.named import Named

    saved = os.environ.pop("PYTEST_CURRENT_TEST", "")  # ipykernel leaves fds 1 and 2 alone where it is set
    try:
        return KernelEngine("cold", Named(notebook, plain=plan.names)).run(notebook, plan, sink)
    finally:
        os.environ["PYTEST_CURRENT_TEST"] = saved


ENGINES: dict[str, Run] = {
    "fork": in_child,
    "shell": direct,
    "papermill": run_worker_notebook,
    "kernel": forked,
    "cold": cold,
}
APART = {"fork"}
"""Those whose plan is called in a child, where a test does not see it: they are tested by what they show; `shell` is the same core."""
SLOW = {"cold", "kernel"}
"""Those that take a while to start: half a second, or a twentieth four hundred times over."""

_ORDER = "ipykernel reads fds 1 and 2 in a thread of its own: what is written below Python loses its place"
_STREAM = "ipykernel's streams have no fd below them"
_LOOP = "ipykernel's event loop ends with its process: the cell is killed, `kernel_died`"
_ALONE = "without brignb in its process a kernel has no handlers; with it, `brignb run` shows them (tests/unit/wiring)"

DIFFERENCES: dict[tuple[str, str], str] = {
    ("kernel", "a task that exits"): _LOOP,
    ("cold", "a task that exits"): _LOOP,
    ("cold", "a lone surrogate"): "ipykernel cannot encode it and fails the cell's print",
    ("cold", "a stream given to a subprocess"): _STREAM,
    ("cold", "sys.stdout.buffer"): _STREAM,
    ("cold", "sys.__stdout__"): _ORDER,
    ("cold", "os.system"): _ORDER,
    ("cold", "os.write"): _ORDER,
    ("cold", "C's stdio"): _ORDER,
    ("cold", "a character in two writes"): _ORDER,
    ("cold", "no UTF-8"): _ORDER,
    ("cold", "subprocess between prints"): _ORDER,
    ("cold", "streams keep their order"): "ipykernel sends what stdout held, then what stderr held",
    (
        "cold",
        "a fork whose child comes to the end",
    ): "a child that comes to the cell's end goes on as a kernel: it never ends",
    ("cold", "a broken __str__"): "ipykernel fails on it a second time, and shows that too",
    ("cold", "a debugger"): "ipykernel's own debugger passes where no front end is attached",
    ("cold", "exit"): "ipykernel's `exit` ends the kernel after the cell, which succeeds",
    ("cold", "test_parameters_are_bound_not_executed"): "papermill's cell is executed, as papermill does",
    ("cold", "test_a_prompt_is_told_while_the_cell_runs"): "its names are no JSON",
    ("cold", "test_a_process_that_is_left_running_holds_nobody_up"): "its names are no JSON",
    ("cold", "test_following_cells_run_after_the_notebook"): _ALONE,
    ("cold", "test_a_handler_that_fails_is_a_failure_with_its_reason"): _ALONE,
    ("cold", "test_a_job_that_failed_is_the_reason"): _ALONE,
    ("cold", "test_a_failed_notebook_still_asks_for_what_follows"): _ALONE,
    ("cold", "test_a_handler_is_cancelled_like_a_cell"): _ALONE,
}
"""(engine, behaviour or test) → why it is accepted that the engine does otherwise."""


@dataclass
class Seen:
    """A Sink that keeps everything; entries go through their encoding."""

    entries: list[dict[str, Any]] = field(default_factory=list)
    told: list[tuple[str, str, bool]] = field(default_factory=list)
    on_line: Callable[[str], None] = lambda _text: None

    def entry(self, entry: Mapping[str, Any]) -> None:
        self.entries += decode(encode(entry))

    def lines(self, stream: str, text: str, *, partial: bool) -> None:
        self.told += [(stream, line, partial) for line in text.split("\n")]
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
        return json.dumps([self.seen.entries, self.seen.told, self.record])


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
