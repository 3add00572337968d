"""The one widget of a kernel: it has no view of its own, its model alone carries the messages of all views.

One, so that fifty jobs cost one copy of the front end's code; without a view, so that a saved notebook holds no widget that nobody
could show. Imported with the first display in a kernel: anywidget takes a moment.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import anywidget
import traitlets

from brignb.script import portal
from brignb.widgets.source import module
from brignb.widgets.switchboard import Switchboard


class Hub(anywidget.AnyWidget):
    """See the module."""

    _esm = traitlets.Unicode().tag(sync=True)

    def __init__(self) -> None:
        super().__init__(_esm=module())


def switchboard(now_ms: Callable[[], int]) -> Switchboard:
    """A switchboard with its widget, which the front end makes as soon as it hears of it.

    Args:
        now_ms: Milliseconds since 1970.
    """
    hub = Hub()
    made = Switchboard(
        lambda message, buffers: hub.send(message, buffers=buffers),
        call=portal.call,
        later=lambda seconds, function: portal.loop().call_later(seconds, function),
        clock=time.monotonic,
        now_ms=now_ms,
    )

    def heard(_hub: Any, message: dict[str, Any], _buffers: Any) -> None:
        made.hear(message)

    hub.on_msg(heard)
    _hear_beside_cells(hub)
    return made


def _hear_beside_cells(hub: Hub) -> None:
    """Have a page's messages read where the page wants them read: on the subshell that JupyterLab makes for comms.

    ipykernel (7.4) sends them to the shell that has spoken last over the comm, which is the main one here: Cancel would wait for the
    cell to end.
    """
    hub.comm._reply_subshell_for = lambda _data, asked: asked  # noqa: SLF001 - it is asked for by this name, and may be missing
