"""The store for who has nothing better to do than to wait for it: a controller, whose builds go on while the database is restarted.

What names an attempt, and what only reads, is asked again while the database is `Away`. That is safe although the first time may have
been done: the attempt is over then, or the same is noted once more. `claim` and `accept` may not be asked twice blindly, so of a claim
that is in doubt somebody is told; for `cancel` and `check` somebody waits. What must never happen: a build's end that is not written down since the database was away for a moment.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

from brignb.errors import Away
from brignb.model.builds import Build
from brignb.store.seam import Store

log = logging.getLogger(__name__)

_ONCE: Final = frozenset({"open", "close", "accept", "cancel", "check"})
_AGAIN: Final = 0.5
"""Seconds until it is asked again."""


class _Patient:
    def __init__(self, store: Store, in_doubt: Callable[[], None]) -> None:
        self._store = store
        self._in_doubt = in_doubt

    async def claim(self, **which: Any) -> tuple[Build, ...]:
        try:
            return await self._store.claim(**which)
        except Away:
            self._in_doubt()
            raise

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        return method if name in _ONCE else functools.partial(_insist, method, name)


def patient(store: Store, *, in_doubt: Callable[[], None]) -> Store:
    """The same store, which waits for its database.

    Args:
        store: Opened or not.
        in_doubt: Is called when the database went away while a claim was on its way.
    """
    return cast("Store", _Patient(store, in_doubt))


async def _insist(method: Callable[..., Awaitable[Any]], name: str, *args: Any, **kwargs: Any) -> Any:
    told = False
    while True:
        try:
            return await method(*args, **kwargs)
        except Away as error:
            if not told:
                log.error("%s waits for the database: %s", name, error)  # noqa: TRY400 - an error for people
            told = True
            await asyncio.sleep(_AGAIN)
