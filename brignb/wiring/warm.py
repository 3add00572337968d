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
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Any, Final, NoReturn

from brignb.engine.core import ShellEngine
from brignb.engine.shell import Shell
from brignb.executors import sandbox
from brignb.wiring.work import Seat
from brignb.zygote import linux, walls
from brignb.zygote.serving import ForkServer

ALSO: Final = ("nbformat", "papermill.parameterize", "brignb.wiring.recordview", "concurrent.futures.thread", "rich")
"""What workers import on the way to their first cell, or soon after it."""


def main() -> None:
    """Get ready, then fork until the server hangs up."""
    facts = json.loads(sys.argv[1])
    linux.die_with_parent(signal.SIGKILL)
    gc.disable()  # a collection would write into every page that children share
    for name in (*ALSO, "brignb"):
        importlib.import_module(name)
    for name in facts["preload"]:
        if name not in facts["refused"] and (why := _preload(name)):
            _start_anew(facts, name, why)
    sandbox.why_not()  # asked by every worker's job executor; the answer is kept
    shell = Shell.build()
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=facts["fd"]) as sock:
        sock.set_inheritable(False)
        ready = {"overlay": facts["walled"] and _overlays(Path(facts["probe"])), "refused": facts["refused"]}
        server = ForkServer(sock, lambda control: _work(control, shell), walled=facts["walled"])
        server.tell({"ready": ready})
        server.serve()


def _work(control: socket.socket, shell: Shell) -> NoReturn:
    """In a child: one build."""
    seat = Seat(control)
    if (room := seat.assignment.room) is not None:
        walls.furnish(room)
        walls.lock(room)
    else:
        os.chdir(seat.assignment.source or seat.assignment.work)
    seat.work(ShellEngine(tier="fork", shell=shell).run)


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
