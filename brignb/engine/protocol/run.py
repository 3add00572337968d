"""One run of one notebook on a kernel: its own cells until one fails, then what its backstage has for after them.

Where the kernel has a backstage, parameters are bound as values and the injected cell is only shown; in another language it is
executed, as papermill renders it. What must never happen: a cell of a dead kernel that is told as ended.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from brignb.engine.cells import cut_mark
from brignb.engine.injection import INJECTED, source_of, tags_of
from brignb.engine.language import PYTHON
from brignb.engine.protocol import backstage
from brignb.engine.protocol.front import ExpressionFailed, Front
from brignb.engine.protocol.gathering import Gathering
from brignb.engine.protocol.seam import Kernel, KernelGone
from brignb.engine.seam import Plan
from brignb.engine.telling import MESSAGE_MAX, place_of
from brignb.model.builds import Outcome, State

_INTERRUPTED: Final = "KeyboardInterrupt"


class Canceled(Exception):
    """The run was cancelled."""


class Run:
    """See the module.

    Args:
        notebook: With its injected cell.
        plan: What to do with it.
        kernel: Started.
        front: Ready.
        gathering: Takes entries.
        asked: Whether it was cancelled.
        now_ms: The clock.
    """

    def __init__(
        self,
        notebook: Mapping[str, Any],
        plan: Plan,
        kernel: Kernel,
        front: Front,
        gathering: Gathering,
        asked: Callable[[], bool],
        now_ms: Callable[[], int],
    ) -> None:
        self._cells = notebook["cells"]
        self._plan = plan
        self._kernel = kernel
        self._front = front
        self._gathering = gathering
        self._asked = asked
        self._now_ms = now_ms
        self._count = 0
        self.cell: int | None = None
        self._backstage = False
        self._failure: dict[str, Any] | None = None
        self._alive = True
        self._reason: str | None = None

    async def whole(self) -> Outcome:
        """From the first cell to the last."""
        try:
            await self._enter()
            await self._notebook()
            await self._following()
        except Canceled:
            return Outcome(state=State.CANCELED, reason="canceled", message="it was canceled")
        except KernelGone as gone:
            self._alive = False
            return self._died(gone)
        finally:
            await self._leave()
        if self._failure is None:
            return Outcome(state=State.SUCCEEDED, reason=self._reason)
        message = f"{self._failure['place']}: {self._failure['message']}"
        return Outcome(state=State.FAILED, reason=self._failure["reason"], message=self._short(message))

    def _died(self, gone: KernelGone) -> Outcome:
        if self._asked():
            return Outcome(state=State.CANCELED, reason="canceled", message="it was canceled")
        where = "before the first cell" if self.cell is None else f"cell {self.cell + 1}"
        return Outcome(state=State.FAILED, reason=gone.code, message=f"{where}: {gone}")

    def _short(self, text: str) -> str:
        return self._plan.redactor(text)[:MESSAGE_MAX]

    async def _enter(self) -> None:
        """The backstage, or what can be bound without one."""
        if self._kernel.entering is not None:
            try:
                await self._front.express(self._kernel.entering)
            except ExpressionFailed as failed:
                if failed.ename not in {"ModuleNotFoundError", "ImportError"}:  # that is a Python without brignb
                    raise
            else:
                await self._front.express(backstage.asking("begin"))
                self._backstage = True
                return
        if self._kernel.language.lower() == PYTHON:
            for name, value in self._kernel.plain.items():
                await self._front.express(backstage.binding(name, value))

    async def _notebook(self) -> None:
        """The notebook's own cells, until one fails."""
        if self._backstage and not any(INJECTED in tags_of(cell) for cell in self._cells):
            await self._bind()
        for index, cell in enumerate(self._cells):
            if cell.get("cell_type") == "code":
                await self._own_cell(index, source_of(cell), tags_of(cell))
            if self._failure is not None:
                return

    async def _own_cell(self, index: int, source: str, tags: list[str]) -> None:
        bound = INJECTED in tags and self._backstage
        if bound:
            await self._bind()
        if bound or not source.strip() or "skip-execution" in tags:
            status = "skipped" if "skip-execution" in tags else "completed"
            self._end(index, 0.0, status)
            return
        await self._run_cell(index, source, {}, reason="cell_error", allowed="raises-exception" in tags)

    async def _bind(self) -> None:
        if self._plan.parameters:
            await self._front.express(backstage.asking("bind", dict(self._plan.parameters)))

    async def _following(self) -> None:
        index = len(self._cells)
        while self._backstage:
            self._heed_cancel()
            failed = self._failure and {name: self._failure[name] for name in ("cell", "reason", "message")}
            answer = await self._ask("follow", failed)
            if self._failure is not None and (told := answer["failure"]):
                self._failure |= {"reason": told["reason"], "message": f"{told['type']}: {told['message']}"}
            if (cell := answer["next"]) is None:
                return
            shown = {"source": cell["source"], "tags": cell["tags"]}
            await self._run_cell(index, backstage.CALL, shown, reason=cell["reason"], allowed=False)
            index += 1

    async def _ask(self, name: str, value: Any = None) -> Any:
        try:
            return await self._front.express(backstage.asking(name, value))
        except ExpressionFailed:
            self._heed_cancel()  # it may have hit the question instead of a cell
            raise

    async def _run_cell(self, index: int, code: str, shown: Mapping[str, Any], *, reason: str, allowed: bool) -> None:
        self._heed_cancel()
        if self.cell is None:
            self._plan.first_cell()
        self.cell = index
        begin = {"op": "begin", "cell": index, "at": self._now_ms(), "count": self._count + 1, **shown}
        self._gathering.put(begin)  # a cell that kills the kernel was running: the journal knows before it can
        began = time.monotonic()
        reply = await self._front.execute(code)
        self._count = reply.get("execution_count") or self._count + 1
        self._show_pages(reply)
        failed = reply["status"] != "ok"
        canceled = self._asked() or (failed and reply.get("ename") == _INTERRUPTED)
        if failed and not self._gathering.saw_error:
            self._show_error(reply)
        status = "killed" if canceled else "failed" if failed and not allowed else "completed"
        self._end(index, time.monotonic() - began, status)
        if canceled:
            raise Canceled
        if failed and not allowed and self._failure is None:
            said = (reply.get("ename"), _first_line(reply.get("evalue", "")))
            message = ": ".join(filter(None, said)) or "it failed"
            place = place_of(index, shown.get("source", ""))
            self._failure = {"cell": index, "place": place, "reason": reason, "message": message}

    def _show_pages(self, reply: Mapping[str, Any]) -> None:
        """What a kernel would show in a pager (`f?`): there is none, and it belongs to the record."""
        for page in reply.get("payload") or ():
            if page.get("source") == "page":
                output = {"output_type": "display_data", "data": dict(page["data"]), "metadata": {}}
                self._gathering.take("", {"op": "output", "output": output})

    def _show_error(self, reply: Mapping[str, Any]) -> None:
        """A kernel that says only in its reply that a cell failed."""
        error = {"ename": str(reply.get("ename", "error")), "evalue": str(reply.get("evalue", ""))}
        told = [str(line) for line in reply.get("traceback") or ()] or [f"{error['ename']}: {error['evalue']}"]
        self._gathering.take("", {"op": "output", "output": {"output_type": "error", **error, "traceback": told}})

    def _end(self, index: int, seconds: float, status: str) -> None:
        self._gathering.put({"op": "end", "cell": index, "at": self._now_ms(), "seconds": seconds, "status": status})

    def _heed_cancel(self) -> None:
        if self._asked():
            raise Canceled

    async def _leave(self) -> None:
        """The cells are over: what the play left running ends; how widgets stand is kept."""
        if self._backstage and self._alive:
            try:
                self._reason = (await self._front.express(backstage.asking("leave"))).get("reason")
            except KernelGone:
                self._alive = False
        if state := self._front.widgets.state():
            size = len(json.dumps(state))
            room = self._plan.run_bytes
            entry = {"widgets": state} if size <= room else {"cut": cut_mark(size, None)}
            self._gathering.put({"op": "widgets", **entry})


def _first_line(text: Any) -> str:
    return next(iter(str(text).splitlines()), "")
