"""What a cell may put into the record, and where the rest goes.

    output ──▶ fits ──▶ record
          └──▶ cut ───▶ the spill, up to `SPILL_MAX` ──▶ nowhere, and the spill's last line says so

Once a cell's text was cut, all of its text that follows is: a record has no holes. What must never happen: memory, a journal or a
side file that grows as long as a cell prints.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from brignb.engine.seam import Plan

SPILL_MAX: Final = 64 * 1024 * 1024
"""Bytes of one cell that the spill takes."""
REPLACED_MAX: Final = 16
"""How many times over a cell's cap may be journaled when it replaces its own output (`clear_output`, updates)."""


class Budget:
    """One cell's; `renew` for the next.

    Args:
        plan: With the caps and the spill.
        noted: Is called with (bytes, file) when the cut has begun, has doubled, and at the end.
    """

    def __init__(self, plan: Plan, noted: Callable[[int, str | None], None]) -> None:
        self._plan = plan
        self._noted = noted
        self._cell = 0
        self._run_left = plan.run_bytes
        self._reset()

    def _reset(self) -> None:
        self._used = self._journaled = self._displays = 0
        self._spilled = self._lost = 0
        self._file: str | None = None
        self._begin_cut()

    def _begin_cut(self) -> None:
        self._cut = 0
        self._told = 0
        self._text_is_cut = False

    def renew(self, cell: int) -> None:
        """The next cell begins; the one before it was closed by `end`."""
        self._cell = cell
        self._reset()

    def clear(self) -> None:
        """The cell's outputs are gone from the record; there is room again, but not for ever."""
        if self._journaled < REPLACED_MAX * self._plan.cell_bytes:
            self._run_left += self._used
            self._used = self._displays = 0
            self._begin_cut()

    @property
    def exhausted(self) -> bool:
        """Whether even the spill is full: what comes is only counted."""
        return self._lost > 0

    def split(self, text: str) -> tuple[str, bytes]:
        """The part of a text that fits, and the rest, for `spill`."""
        raw = text.encode("utf-8", "replace")
        room = 0 if self._text_is_cut else self._room()
        if len(raw) <= room:
            self._take(len(raw))
            return text, b""
        self._text_is_cut = True
        kept = raw[:room].decode("utf-8", "ignore")
        size = len(kept.encode())
        self._take(size)
        return kept, raw[size:]

    def display(self, size: int, spelled: Callable[[], str], *, update: bool = False) -> bool:
        """Whether an output of that size goes into the record; if not, it is spilled as JSON.

        An update that there is no room for now is not: its successor may come when there is.
        """
        if size <= self._room() and (update or self._displays < self._plan.cell_displays):
            self._take(size)
            self._displays += not update
            return True
        if not update or size > self._plan.cell_bytes:
            self.spill(spelled().encode("utf-8", "replace") + b"\n")
        return False

    def end(self) -> None:
        """The cell ends: the cut's last word."""
        if self._lost and self._plan.spill and self._file:
            self._plan.spill(self._cell, f"\n[brignb: cut, {self._lost} bytes, rest discarded]\n")
        if self._cut > self._told:
            self._tell()

    def _room(self) -> int:
        capped = self._journaled >= REPLACED_MAX * self._plan.cell_bytes
        return 0 if capped else max(0, min(self._plan.cell_bytes - self._used, self._run_left))

    def _take(self, size: int) -> None:
        self._used += size
        self._journaled += size
        self._run_left -= size

    def spill(self, raw: bytes) -> None:
        """What does not fit, as far as the spill takes it."""
        self._cut += len(raw)
        room = SPILL_MAX - self._spilled if self._plan.spill else 0
        part = raw[:room]
        if part and self._plan.spill:
            self._file = self._plan.spill(self._cell, part.decode("utf-8", "replace"))
            self._spilled += len(part)
        self._lost += len(raw) - len(part)
        if self._cut >= 2 * self._told:
            self._tell()

    def _tell(self) -> None:
        self._told = self._cut
        self._noted(self._cut, self._file)
