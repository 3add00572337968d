"""What a button fires: on the kernel's own event loop, and its output lands under the cell that showed the button.

A click comes as a message of its own, and what is printed then would go to a log that nobody looks at. So the cell's context is kept,
and all that the handlers print and show is the cell's (ipykernel and `brignb.widgets.cells` go by it). While they run, cells can be run too; `stop` cancels them, jobs included.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from typing import Any

from IPython.core.getipython import get_ipython

from brignb.errors import BrignbError
from brignb.magics.firing import told
from brignb.script.firing import Firing
from brignb.script.session import current
from brignb.script.tail import plain

Said = Callable[[str], None]


class Stage:
    """See the module. Made while the cell runs that shows the buttons.

    Args:
        busy: Is told whether something runs.
        say: Is told how it went, a text for people.
    """

    def __init__(self, busy: Callable[[bool], None], say: Said) -> None:
        self._busy = busy
        self._say = say
        shell: Any = get_ipython()
        self._shell = shell
        self._cell = contextvars.copy_context()
        self._task: asyncio.Task[None] | None = None

    def perform(self, make: Callable[[], Firing]) -> None:
        """Fire; called by a click. One at a time."""
        if self._task is not None and not self._task.done():
            return
        try:
            firing = make()
        except BrignbError as error:
            self._say(clean(str(error)))
            return
        self._busy(True)
        self._say(f"{firing.event.type} {firing.event.id}: running…")
        self._task = asyncio.get_running_loop().create_task(
            self._run(firing), name="brignb-fire", context=self._cell.copy()
        )

    def stop(self) -> None:
        """Cancel what runs."""
        if self._task is not None:
            self._task.cancel()

    async def _run(self, firing: Firing) -> None:
        __tracebackhide__ = True  # IPython leaves this frame out of an author's traceback
        try:
            ran = await firing
        except asyncio.CancelledError:
            self._say(f"{firing.event.type} {firing.event.id}: stopped")
        except Exception as failure:  # noqa: BLE001 - a handler's: shown as a cell's would be, under the button's cell
            self._say(clean(f"{firing.event.type} {firing.event.id}: {type(failure).__name__}, see below"))
            self._shell.showtraceback((type(failure), failure, failure.__traceback__))
        else:
            self._say(clean(told(firing, ran)))
        finally:
            self._busy(False)


def clean(text: str) -> str:
    """A text for a page: redacted, and nothing that a terminal would obey."""
    return plain(current().redactor(text))
