"""The engine core: a notebook is run in this process, cell by cell, on a prebuilt shell.

notebook + Plan ──▶ ShellEngine.run ──▶ Run ──▶ Outcome
                                         └──▶ Capture ──▶ Scribe ──▶ Sink
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

from brignb.engine.capture import Capture
from brignb.engine.injection import inject
from brignb.engine.interrupts import Interrupts
from brignb.engine.run import Run
from brignb.engine.scribe import Scribe
from brignb.engine.seam import Plan, Sink
from brignb.engine.shell import Shell
from brignb.engine.stage import stage
from brignb.engine.widgets import Widgets
from brignb.errors import BrignbError
from brignb.model.builds import Outcome


def wall_ms() -> int:
    """Now, milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class ShellEngine:
    """Implements `brignb.engine.seam.Engine` in this process.

    Args:
        tier: As the record names it.
        shell: Prebuilt; None: built now.
        now_ms: The clock.
    """

    def __init__(self, *, tier: str = "shell", shell: Shell | None = None, now_ms: Callable[[], int] = wall_ms) -> None:
        self.tier = tier
        self._shell = shell or Shell.build()
        self._now_ms = now_ms

    def run(self, notebook: dict[str, Any], plan: Plan, sink: Sink) -> Outcome:
        """See the seam. It may be called once: the shell keeps what the notebook left in it.

        Raises:
            BrignbError: An event loop runs already in this thread.
            Exception: What the sink raised.
        """
        if asyncio._get_running_loop() is not None:  # noqa: SLF001 - get_running_loop raises instead of answering
            raise BrignbError(
                "a notebook cannot be run where an event loop runs already",
                hint="run it in a process of its own: `brignb run` or `papermill --engine brignb`",
            )
        notebook = inject(notebook, plan.parameters)
        with contextlib.ExitStack() as put_back:
            interrupts = put_back.enter_context(Interrupts())
            scribe = Scribe(plan, sink)
            capture = Capture(scribe)
            widgets = Widgets(capture, scribe.captured)
            capture.start()
            put_back.callback(capture.stop)
            put_back.enter_context(stage(self._shell, capture.settle))
            put_back.enter_context(widgets.entered())
            return Run(self._shell, notebook, plan, capture, widgets, interrupts, self._now_ms).whole(self.tier)
