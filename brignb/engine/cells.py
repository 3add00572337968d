"""A record's cell: its outputs as they come, its state, its times.

Streams are coalesced, `clear_output` and cuts are kept as Jupyter keeps them; at the end the cell is a node of nbformat 4.5 with
papermill's metadata and, in `metadata.brignb.status`, one of `pending, running, completed, failed, killed, skipped, never-run`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

_PAPERMILL_STATUS: Final = {"killed": "failed", "never-run": "pending", "skipped": "completed"}
"""papermill's nearest word for what it does not tell apart."""


@dataclass(slots=True)
class _Stream:
    name: str
    parts: list[str]


@dataclass(slots=True)
class _Cut:
    mark: str


@dataclass(slots=True)
class Cell:
    """See the module.

    Args:
        node: Of the notebook; outputs and metadata are written into it when the record is closed.
        status: Empty until something is known.
    """

    node: dict[str, Any]
    status: str = ""
    begun: int | None = None
    ended: int | None = None
    seconds: float | None = None
    _outputs: list[dict[str, Any] | _Stream | _Cut] = field(default_factory=list)
    _clearing: bool = False

    @classmethod
    def made(cls, source: str, tags: list[str]) -> Cell:
        """A code cell that the notebook has not."""
        node: dict[str, Any] = {
            "cell_type": "code",
            "execution_count": None,
            "metadata": {"tags": tags},
            "outputs": [],
            "source": source,
        }
        return cls(node)

    @property
    def tags(self) -> list[str]:
        """The node's."""
        return list(self.node.get("metadata", {}).get("tags", []))

    @property
    def code(self) -> bool:
        """Whether it can be run."""
        return self.node.get("cell_type") == "code"

    @property
    def failed(self) -> bool:
        """Whether papermill would say so."""
        return self.status in {"failed", "killed"}

    @property
    def harmed(self) -> bool:
        """Whether the run went no further here."""
        return self.failed or (self.begun is not None and not self.ended)

    def begin(self, at: int, count: int | None) -> None:
        """It runs now."""
        self.status, self.begun = "running", at
        if self.code:
            self.node["execution_count"] = count

    def end(self, at: int, seconds: float | None, status: str) -> None:
        """It is over; a cell with nothing to run began as it ended."""
        self.status, self.ended, self.seconds = status, at, seconds
        if self.begun is None:
            self.begun = at

    def text(self, stream: str, text: str) -> None:
        """Text that was written to `stdout` or `stderr`."""
        self._clear_now()
        last = self._outputs[-1] if self._outputs else None
        if isinstance(last, _Stream) and last.name == stream:
            last.parts.append(text)
        else:
            self._outputs.append(_Stream(stream, [text]))

    def output(self, output: dict[str, Any]) -> None:
        """An output that is no text."""
        self._clear_now()
        self._outputs.append(output)

    def clear(self, *, wait: bool) -> None:
        """`clear_output`: now, or when the next output comes."""
        self._clearing = True
        if not wait:
            self._clear_now()

    def _clear_now(self) -> None:
        if self._clearing:
            self._outputs.clear()
            self._clearing = False

    def cut(self, size: int, file: str | None) -> None:
        """So many bytes are not here; a later word replaces an earlier one."""
        mark = cut_mark(size, file)
        for output in self._outputs:
            if isinstance(output, _Cut):
                output.mark = mark
                return
        self._outputs.append(_Cut(mark))

    def outputs(self) -> list[dict[str, Any]]:
        """As nbformat has them."""
        return [_node(output) for output in self._outputs]

    def close(self, *, at: int | None, over: bool, passed: bool, note: str, fresh_id: str, taken: set[str]) -> None:
        """Write what is known into the node.

        Args:
            at: When the cell before it was over: the moment at which the run passed a cell that is no code.
            over: Nothing more will come.
            passed: The run got beyond this cell.
            note: How the run ended, for the cell that was running then.
            fresh_id: Its id, if it has none.
            taken: The notebook's ids.
        """
        if self.code:
            self._settle(over=over)
            outputs = self.outputs()
            if self.status == "killed" and self.ended is None:
                outputs.append(_stream("stderr", f"[brignb: killed while this cell ran: {note}]\n"))
            self.node["outputs"] = outputs
            self.node.setdefault("execution_count", None)
            status = self.status
        else:
            status = "completed" if passed else "pending"
            self.begun = self.ended = at if passed else None
            self.seconds = 0.0 if passed else None
        if not self.node.get("id"):
            while fresh_id in taken:
                fresh_id += "-"
            self.node["id"] = fresh_id
        metadata = self.node.setdefault("metadata", {})
        metadata["papermill"] = self.papermill(status)
        if self.code:
            metadata["brignb"] = {**metadata.get("brignb", {}), "status": status}

    def _settle(self, *, over: bool) -> None:
        if over and self.status == "running":
            self.status = "killed"
        elif not self.status:
            self.status = "never-run" if over else "pending"

    def papermill(self, status: str) -> dict[str, Any]:
        """The cell's metadata as papermill writes it."""
        return {
            "exception": None if self.begun is None else self.failed,
            "start_time": iso(self.begun),
            "end_time": iso(self.ended),
            "duration": self.seconds,
            "status": _PAPERMILL_STATUS.get(status, status),
        }


def cut_mark(size: int, file: str | None) -> str:
    """What the record says where output is cut (contract, "Notebook")."""
    return f"[brignb: cut, {size} bytes, rest in {file}]" if file else f"[brignb: cut, {size} bytes, rest discarded]"


def _node(output: dict[str, Any] | _Stream | _Cut) -> dict[str, Any]:
    if isinstance(output, _Stream):
        return _stream(output.name, "".join(output.parts))
    if isinstance(output, _Cut):
        return _stream("stdout", f"\n{output.mark}\n")
    return output


def _stream(name: str, text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def iso(ms: int | None) -> str | None:
    """A time as papermill writes it."""
    return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="microseconds")
