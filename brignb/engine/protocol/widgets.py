"""Widgets without a browser: nbclient's mimicry of a front end, for what a notebook does with them while it runs.

comm messages ──▶ state of each model (`metadata.widgets`), as nbclient and papermill store it
             └──▶ `Output` widgets, which take over what a cell shows

nbclient's, with its own words in `metadata.widgets`; nothing here ever asks a person.
"""

from __future__ import annotations

from typing import Any

import nbformat
from nbclient import NotebookClient


class Widgets(NotebookClient):
    """See the module.

    Args:
        client: jupyter_client's, for what the mimicry answers.
    """

    def __init__(self, client: Any) -> None:
        super().__init__(nbformat.v4.new_notebook())
        self.kc = client

    def takes(self, message: dict[str, Any]) -> bool:
        """Whether it was a widget's own message, or an output that an `Output` widget has captured."""
        kind, parent = message["msg_type"], message["parent_header"].get("msg_id")
        if kind in {"comm_open", "comm_msg", "comm_close"}:
            self.handle_comm_msg([], message, 0)
            return True
        if not self.output_hook_stack.get(parent):
            return False
        if kind == "clear_output":
            self.clear_output([], message, 0)
        else:
            self.output([], message, None, 0)
        return True

    def state(self) -> dict[str, Any]:
        """For the notebook's `metadata.widgets`; empty when there was none."""
        self.set_widgets_metadata()
        return dict(self.nb.metadata.get("widgets", {}))
