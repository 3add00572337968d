"""How long a pod that cannot start is waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from brignb.executors.kubernetes.fate import Hindrance


class Patience:
    """Counts the time of a hindrance while its reason stays the same.

    Args:
        give_up: Is told of the hindrance whose grace is over.
    """

    def __init__(self, give_up: Callable[[Hindrance], None]) -> None:
        self._give_up = give_up
        self._hindrance: Hindrance | None = None
        self._alarm: asyncio.TimerHandle | None = None

    def see(self, found: Hindrance | None) -> None:
        """What keeps the pod now; None: nothing does."""
        before = self._hindrance
        if before and found and found.reason == before.reason and found.grace:
            if len(found.message) > len(before.message):  # a back-off hides the registry's words
                self._hindrance = found
            return
        if self._alarm:
            self._alarm.cancel()
        self._hindrance, self._alarm = found, None
        if found:
            self._alarm = asyncio.get_running_loop().call_later(found.grace, self._over)

    def _over(self) -> None:
        if self._hindrance:
            self._give_up(self._hindrance)
