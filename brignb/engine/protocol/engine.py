"""The engine: starts the kernel, runs the notebook on it, ends it. Implements `brignb.engine.seam.Engine`.

A cancel (SIGINT on the main thread) interrupts the kernel, and kills it when that changes nothing for `PATIENCE` seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from brignb.engine.injection import INJECTED, VERSION, inject, source_of, tags_of
from brignb.engine.language import LANGUAGE_INFO, PYTHON
from brignb.engine.protocol.front import ExpressionFailed, Front
from brignb.engine.protocol.gathering import Gathering
from brignb.engine.protocol.run import Run
from brignb.engine.protocol.seam import Kernel, KernelGone, KernelRefused
from brignb.engine.scribe import Scribe
from brignb.engine.seam import Plan, Sink
from brignb.model.builds import Outcome, State

PATIENCE: Final = 6.0
"""Seconds that a cancelled cell has for its `finally`; less than the host's own patience, so that the record is still written."""
_ASYNC: Final = "CancelledError"
_SYNC: Final = "KeyboardInterrupt"
READY: Final = 60.0
"""Seconds that a kernel may take to start; papermill's and nbclient's own limit."""


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


class KernelEngine:
    """See the module.

    Args:
        tier: As the record names it.
        kernel: Not started yet, or forked already; it serves one run.
        now_ms: The clock.
    """

    def __init__(self, tier: str, kernel: Kernel, *, now_ms: Callable[[], int] = _wall_ms) -> None:
        self.tier = tier
        self._kernel = kernel
        self._now_ms = now_ms

    def run(self, notebook: dict[str, Any], plan: Plan, sink: Sink) -> Outcome:
        """See the seam.

        Raises:
            Exception: What the sink raised.
        """
        notebook = inject(notebook, plan.parameters, kernel_name=self._kernel.name, language=self._kernel.language)
        with asyncio.Runner() as runner:
            return runner.run(self._run(notebook, plan, sink))

    async def _run(self, notebook: Mapping[str, Any], plan: Plan, sink: Sink) -> Outcome:
        loop = asyncio.get_running_loop()
        broken: asyncio.Future[Outcome] = loop.create_future()

        def fail(error: BaseException) -> None:
            if not broken.done():
                broken.set_exception(error)

        gathering = Gathering(Scribe(plan, sink), fail)
        cancel = _Cancel(self._kernel)
        began = time.monotonic()
        gathering.put(_start(self.tier, self._now_ms(), self._kernel, notebook, plan))
        with cancel.heard():
            play = asyncio.ensure_future(self._play(notebook, plan, gathering, cancel))
            try:
                await asyncio.wait({play, broken}, return_when=asyncio.FIRST_COMPLETED)
                outcome = (play if play.done() else broken).result()
            finally:
                play.cancel()
                await asyncio.wait({play})
                broken.cancel()
        seconds = time.monotonic() - began
        word = {"state": str(outcome.state), "reason": outcome.reason, "message": outcome.message}
        gathering.put({"op": "finish", "at": self._now_ms(), "seconds": seconds, **word})
        return outcome

    async def _play(self, notebook: Mapping[str, Any], plan: Plan, gathering: Gathering, cancel: _Cancel) -> Outcome:
        kernel = self._kernel
        try:
            await self._begin(gathering, cancel)
            if cancel.asked or cancel.front is None:
                return Outcome(state=State.CANCELED, reason="canceled", message="it was canceled")
            run = Run(notebook, plan, kernel, cancel.front, gathering, lambda: cancel.asked, self._now_ms)
            return await run.whole()
        except (KernelRefused, KernelGone, ExpressionFailed) as error:
            return Outcome(state=State.FAILED, reason="kernel_start", message=plan.redactor(str(error)))
        finally:
            cancel.over()
            kernel.kill()
            if cancel.front is not None:
                await cancel.front.close()
            await kernel.close()

    async def _begin(self, gathering: Gathering, cancel: _Cancel) -> None:
        """Until the kernel is ready, or somebody cancels.

        Raises:
            KernelRefused: It cannot be started, or does not get ready.
            KernelGone: It ended before it was.
        """
        ready = asyncio.ensure_future(self._ready(gathering, cancel))
        asked = asyncio.ensure_future(cancel.wait())
        try:
            done, _ = await asyncio.wait({ready, asked}, timeout=READY, return_when=asyncio.FIRST_COMPLETED)
        finally:
            asked.cancel()
            ready.cancel()
            await asyncio.wait({ready, asked})
        if not done:
            raise KernelRefused(f"the kernel {self._kernel.name} did not get ready within {READY:g} s")
        if ready in done:
            ready.result()

    async def _ready(self, gathering: Gathering, cancel: _Cancel) -> None:
        client = await self._kernel.start()
        cancel.front = Front(
            client, self._kernel.gone, lambda stream, shown: gathering.take(stream, cancel.named(shown))
        )
        await cancel.front.ready()


class _Cancel:
    """A cancel, from the signal to the kernel."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self.front: Front | None = None
        self._event = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._over = False
        self._timer: asyncio.TimerHandle | None = None
        self._interrupting: asyncio.Task[None] | None = None

    @property
    def asked(self) -> bool:
        return self._event.is_set()

    async def wait(self) -> None:
        await self._event.wait()

    def named(self, shown: Any) -> Any:
        """A cancelled cell shows KeyboardInterrupt, not the CancelledError that an `await` makes of it."""
        if self.asked and isinstance(shown, dict) and shown.get("output", {}).get("ename") == _ASYNC:
            output = shown["output"]
            told = [line.replace(_ASYNC, _SYNC) for line in output["traceback"]]
            return {**shown, "output": {**output, "ename": _SYNC, "traceback": told}}
        return shown

    @contextlib.contextmanager
    def heard(self) -> Iterator[None]:
        """While this lasts, SIGINT is a cancel; a handler that the caller chose, other than Python's own, stays."""
        before = signal.getsignal(signal.SIGINT)
        main = threading.current_thread() is threading.main_thread()
        if not main:
            yield
            return
        self._loop.add_signal_handler(signal.SIGINT, self._ask)
        try:
            yield
        finally:
            self._loop.remove_signal_handler(signal.SIGINT)
            signal.signal(signal.SIGINT, before)

    def _ask(self) -> None:
        if self.asked or self._over:
            return
        self._event.set()
        self._timer = self._loop.call_later(PATIENCE, self._kernel.kill)
        self._interrupting = asyncio.ensure_future(self._interrupt())

    async def _interrupt(self) -> None:
        await self._kernel.interrupt()
        if self.front is not None:
            self.front.nudge()

    def over(self) -> None:
        """The cells are over; from here on a cancel comes too late."""
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        if self._interrupting is not None:
            self._interrupting.cancel()


def _start(tier: str, at: int, kernel: Kernel, notebook: Mapping[str, Any], plan: Plan) -> dict[str, Any]:
    cells = notebook["cells"]
    injected = next((index for index, cell in enumerate(cells) if INJECTED in tags_of(cell)), None)
    return {
        "op": "start",
        "at": at,
        "tier": tier,
        "version": VERSION,
        **({"language_info": LANGUAGE_INFO} if kernel.language.lower() == PYTHON else {}),
        "why": plan.why,
        "parameters": dict(plan.parameters),
        "injected": None if injected is None else {"index": injected, "source": source_of(cells[injected])},
    }
