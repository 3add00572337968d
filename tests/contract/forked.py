"""The core as a zygote's child has it: in a forked process, on a shell that was built before the fork."""

from __future__ import annotations

import functools
import json
import os
import traceback
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from brignb.engine.core import ShellEngine
from brignb.engine.seam import Plan, Sink
from brignb.engine.shell import Shell
from brignb.model.builds import Outcome, State


@functools.cache
def prebuilt() -> Shell:
    """Built once in the process that forks."""
    return Shell.build()


class Pipe:
    """A Sink in the child: what it is told goes to the parent, a JSON value a line."""

    def __init__(self, fd: int) -> None:
        self._file = os.fdopen(fd, "w", encoding="utf-8")

    def entry(self, entry: Mapping[str, Any]) -> None:
        self.tell("entry", entry)

    def lines(self, stream: str, text: str, *, partial: bool) -> None:
        self.tell("line", [stream, text, partial])

    def tell(self, kind: str, value: Any) -> None:
        self._file.write(json.dumps([kind, value]) + "\n")
        self._file.flush()


def in_child(notebook: dict[str, Any], plan: Plan, sink: Sink) -> Outcome:
    """Run it in a child of this process."""
    shell = prebuilt()
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # Python 3.12 warns where there are threads, as pytest's may be
        child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            told = Pipe(writing)
            outcome = ShellEngine(tier="fork", shell=shell).run(notebook, plan, told)
            told.tell("outcome", asdict(outcome))
        except BaseException:  # noqa: BLE001 - it must not come back into pytest
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(writing)
    outcome = None
    with os.fdopen(reading, encoding="utf-8") as lines:
        for kind, value in map(json.loads, lines):
            if kind == "entry":
                sink.entry(value)
            elif kind == "line":
                sink.lines(value[0], value[1], partial=value[2])
            else:
                outcome = Outcome(**{**value, "state": State(value["state"])})
    os.waitpid(child, 0)
    return outcome or Outcome(state=State.LOST, reason="worker_died", message="it died")
