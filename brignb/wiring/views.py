"""Which view a session has: live in a kernel, none in a terminal or a script, where handles show themselves as text."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from brignb.wiring.clock import now_ms

if TYPE_CHECKING:
    from brignb.widgets.cells import KernelCells
    from brignb.widgets.live import LiveView
    from brignb.widgets.switchboard import Switchboard

_known: list[KernelCells] = []


def watch_cells() -> None:
    """From now on it is known which cell is whose; a callback that is made now may start the first job an hour later."""
    _cells()


def live_view() -> LiveView | None:
    """Of the kernel that this process is; None where it is none."""
    cells = _cells()
    if cells is None:
        return None
    from brignb.widgets.live import LiveView  # noqa: PLC0415 - only kernels pay for displays

    return LiveView(cells, _connect)


def _cells() -> KernelCells | None:
    """Of ipykernel's shell; None where there is another one, or none (yet: a kernel may be forked from who has imported brignb)."""
    if _known or "ipykernel" not in sys.modules:
        return _known[0] if _known else None
    from ipykernel.zmqshell import ZMQInteractiveShell  # noqa: PLC0415 - an extra, and loaded already
    from IPython.core.getipython import get_ipython  # noqa: PLC0415 - the same

    shell = get_ipython()  # which may be our engine's
    if not isinstance(shell, ZMQInteractiveShell):
        return None
    from brignb.widgets.cells import KernelCells  # noqa: PLC0415 - only kernels pay for displays

    _known.append(KernelCells(shell))
    return _known[0]


def _connect() -> Switchboard:
    from brignb.widgets.hub import switchboard  # noqa: PLC0415 - anywidget is an extra, and takes its time

    return switchboard(now_ms)
