"""A zygote's process: `python -m brignb.wiring.warm FACTS`, started by `brignb.zygote.keeping`.

    imports, preloaded modules, a built shell ──▶ frozen ──▶ "ready" ──▶ ForkServer ──fork──▶ a worker

Everything that every worker needs is here before the first fork, and nothing that only one may know. Modules that leave a thread
behind, or cannot be imported, are not preloaded: then this process starts itself anew without them, and says why.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

from brignb.engine.core import ShellEngine
from brignb.engine.journal import encode
from brignb.engine.seam import Plan
from brignb.engine.shell import Shell
from brignb.executors import sandbox
from brignb.model.assignment import Assignment
from brignb.model.events import Event
from brignb.model.rooms import Room
from brignb.wiring.work import Seat
from brignb.zygote import linux, walls
from brignb.zygote.serving import ForkServer

ALSO: Final = ("nbformat", "papermill.parameterize", "concurrent.futures.thread", "rich")
"""What most workers import on the way to their first cell, or soon after it: not waited for where there is only one to come."""

_SCENES: Final = (
    "print('a line')",
    "import sys\nprint('another', file=sys.stderr)\n6 * 7",
    "import os\ndisplay(os.sep)",
)
_TIMES: Final = 10
"""More than Python runs a function before it specialises its code, which is a write (PEP 659)."""
_SOON: Final = 0.05
"""Seconds in which a worker that is needed at once gets its assignment."""


def main() -> None:
    """Get ready, then fork until the server hangs up."""
    facts = json.loads(sys.argv[1])
    linux.die_with_parent(signal.SIGKILL)
    os.environ.pop("GLIBC_TUNABLES", None)  # ours; it has had its effect
    gc.disable()  # a collection would write into every page that children share
    for name in (*(ALSO if facts["rehearsed"] else ()), *facts["also"], "brignb"):
        importlib.import_module(name)
    for name in facts["preload"]:
        if name not in facts["refused"] and (why := _preload(name)):
            _start_anew(facts, name, why)
    sandbox.why_not()  # asked by every worker's job executor; the answer is kept
    shell, understudy = Shell.build(), None
    if facts["rehearsed"]:
        understudy = Shell.build()
        for _ in range(_TIMES):
            _rehearse(understudy)
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=facts["fd"]) as sock:
        sock.set_inheritable(False)
        walled = facts["walled"]
        ready = {"overlay": walled and _overlays(Path(facts["probe"])), "refused": facts["refused"]}
        server = ForkServer(sock, lambda control: _work(control, shell, understudy, walled=walled), walled=walled)
        server.tell({"ready": ready})
        server.serve()


def _work(control: socket.socket, shell: Shell, understudy: Shell | None, *, walled: bool) -> NoReturn:
    """In a child: one build. If that lets it wait, it rehearses once more: what it writes to is its own from then on, not copied later."""
    if understudy is not None and not select.select([control], [], [], _SOON)[0]:
        _rehearse(understudy)
    seat = Seat(control)
    room = seat.assignment.room or Room()
    if walled:
        walls.furnish(room)
        walls.lock(room)
    else:
        os.chdir(seat.assignment.source or seat.assignment.work)
        walls.limit(room)
    seat.work(ShellEngine(tier="fork", shell=shell).run)


def _rehearse(understudy: Shell) -> None:
    """Run a notebook as workers will: what Python and IPython make on first use is then there for all.

    What it leaves behind is in the understudy's namespace, which nobody looks into; its threads have ended.
    """
    tags = [["parameters"], [], [], []]
    cells = [
        {"cell_type": "code", "id": f"c{n}", "metadata": {"tags": tags[n]}, "source": text}
        for n, text in enumerate(_SCENES)
    ]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    event = Event(id="E", type="rehearsal", source="brignb", project="a/b", build_id="B", payload="{}")
    assignment = Assignment(build_id="B", attempt=1, created_ms=1, project={}, event=event, builds="", work="")
    Assignment.from_json(json.loads(json.dumps(assignment.to_json())))
    ShellEngine(shell=understudy).run(notebook, Plan(parameters={"x": 1}, names={"event": event}), _Nowhere())


class _Nowhere:
    """A Sink that keeps nothing."""

    def entry(self, entry: Mapping[str, Any]) -> None:
        """Encoded, and forgotten."""
        encode(entry)

    def lines(self, stream: str, text: str, *, partial: bool) -> None:
        """Forgotten."""


def _preload(name: str) -> str | None:
    """Import a module; why it cannot be preloaded, if so."""
    try:
        importlib.import_module(name)
    except Exception as error:  # noqa: BLE001 - a module may do anything when it is imported
        return "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
    return "it leaves a thread running" if _threads_after_a_fork() else None


def _threads_after_a_fork() -> bool:
    """Whether there are threads that a fork would not take along. Libraries like OpenBLAS end theirs before one."""
    if (child := os.fork()) == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return len(list(Path("/proc/self/task").iterdir())) > 1


def _start_anew(facts: dict[str, Any], name: str, why: str) -> NoReturn:
    """A module that was imported cannot be taken back."""
    os.set_inheritable(facts["fd"], True)
    again = json.dumps({**facts, "refused": {**facts["refused"], name: why}})
    os.execv(sys.executable, [sys.executable, "-P", "-m", "brignb.wiring.warm", again])  # noqa: S606 - ourselves


def _overlays(probe: Path) -> bool:
    """Whether a folder can be overlaid here: tried, in a child."""
    (probe / "lower").mkdir(parents=True, exist_ok=True)
    if (child := os.fork()) == 0:
        try:
            linux.unshare(linux.NEW_MOUNTS)
            linux.keep_mounts_to_ourselves()
            linux.mount_overlay(walls.SRC, lower=probe / "lower", layer=probe / "layer")
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


if __name__ == "__main__":
    main()
