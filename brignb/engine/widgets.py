"""Widgets without a front end: their state is kept, and what an `Output` widget captures is its own.

    ipywidgets ──▶ Comm.publish_msg ──▶ Widgets.heard ──▶ state ──▶ entry `widgets` ──▶ metadata.widgets
                                             └──▶ entry `divert` ──▶ Scribe ──▶ captured ──▶ Widgets.settle ──▶ the widget

It does what nbclient does for a kernel: nobody clicks, but a viewer shows each widget as it was at the end. What must never happen: a
widget's traffic in the journal.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from brignb.engine.bundles import clean
from brignb.engine.capture import Capture
from brignb.engine.cells import Cell, cut_mark

try:
    import comm as comms
except ImportError:  # no library of widgets is here
    comm: Any = None
else:
    comm = comms

MIME: Final = "application/vnd.jupyter.widget-state+json"


class Widgets:
    """See the module.

    Args:
        capture: Takes entries.
        captured: The scribe's, by comm.
    """

    def __init__(self, capture: Capture, captured: Mapping[str, Cell]) -> None:
        self._capture = capture
        self._captured = captured
        self._state: dict[str, dict[str, Any]] = {}
        self._buffers: dict[str, dict[str, dict[str, Any]]] = {}
        self._capturing: list[str] = []

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Comms that user code makes are heard."""
        if comm is None:
            yield
            return
        heard, previous = self.heard, comm.create_comm

        class Comm(comm.base_comm.BaseComm):  # type: ignore[misc] # comm is here or not
            """Whose messages nobody but us gets."""

            def publish_msg(
                self,
                msg_type: str,  # noqa: ARG002
                data: Any = None,
                metadata: Any = None,  # noqa: ARG002
                buffers: Any = None,
                **_keys: Any,
            ) -> None:
                heard(self.comm_id, data or {}, buffers or ())

        comm.create_comm = Comm
        try:
            yield
        finally:
            comm.create_comm = previous

    def heard(self, name: str, data: Mapping[str, Any], buffers: Sequence[Any]) -> None:
        """A message of a comm; what it says of the state is noted. In a forked child there is nobody to note it."""
        state = data.get("state")
        if not isinstance(state, Mapping) or os.getpid() != self._capture.pid:
            return
        known = self._state.setdefault(name, {})
        known.update(state)
        for path, buffer in zip(data.get("buffer_paths") or (), buffers, strict=False):
            encoded = {"data": base64.b64encode(buffer).decode(), "encoding": "base64", "path": list(path)}
            self._buffers.setdefault(name, {})[str(path)] = encoded
        if known.get("_model_name") == "OutputModel" and "msg_id" in state:
            self._capturing = [other for other in self._capturing if other != name] + [name] * bool(state["msg_id"])
            self._capture.put({"op": "divert", "widget": self._capturing[-1] if self._capturing else None})

    def settle(self) -> None:
        """A cell is over: what was captured becomes its widgets' own, as a front end would tell them."""
        self._capturing.clear()
        if not any(state.get("_model_name") == "OutputModel" for state in self._state.values()):
            return
        self._capture.settle()
        for name, cell in list(self._captured.items()):
            outputs = cell.outputs()
            if outputs == self._state[name].get("outputs"):
                continue
            self._state[name]["outputs"] = outputs
            if (one := comm.get_comm_manager().get_comm(name)) is not None:
                data = {"method": "update", "state": {"outputs": outputs}, "buffer_paths": []}
                one.handle_msg({"content": {"comm_id": name, "data": data}, "buffers": []})

    def entry(self, room: int) -> Mapping[str, Any] | None:
        """The last state of all widgets, for the journal; None when there are none.

        Args:
            room: Bytes that it may have; if it has more, the entry only says so.
        """
        models = {name: self._model(name, state) for name, state in self._state.items() if "_model_name" in state}
        if not models:
            return None
        shown = {MIME: {"state": models, "version_major": 2, "version_minor": 0}}
        size = len(json.dumps(shown))
        return {"op": "widgets", "widgets": shown} if size <= room else {"op": "widgets", "cut": cut_mark(size, None)}

    def _model(self, name: str, state: Mapping[str, Any]) -> dict[str, Any]:
        about = {f"model{key}": state.get(f"_model{key}") for key in ("_name", "_module", "_module_version")}
        buffers = list(self._buffers.get(name, {}).values())
        return {**about, "state": clean(state), **({"buffers": buffers} if buffers else {})}
