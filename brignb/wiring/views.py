"""Which view a session has: live in a kernel, none in a terminal or a script, where handles show themselves as text."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from brignb.wiring.clock import now_ms

if TYPE_CHECKING:
    from brignb.widgets.live import LiveView
    from brignb.widgets.switchboard import Switchboard


def live_view() -> LiveView | None:
    """Of the kernel that this process is; None where it is none."""
    if "ipykernel" not in sys.modules:
        return None
    from ipykernel.zmqshell import ZMQInteractiveShell  # noqa: PLC0415 - an extra, and loaded already
    from IPython.core.getipython import get_ipython  # noqa: PLC0415 - the same

    shell = get_ipython()  # which may be our engine's
    if not isinstance(shell, ZMQInteractiveShell):
        return None
    from brignb.widgets.cells import KernelCells  # noqa: PLC0415 - only kernels pay for displays
    from brignb.widgets.live import LiveView  # noqa: PLC0415 - the same

    return LiveView(KernelCells(shell), _connect)


def _connect() -> Switchboard:
    from brignb.widgets.hub import switchboard  # noqa: PLC0415 - anywidget is an extra, and takes its time

    return switchboard(now_ms)
