"""List, then watch: what there is of one kind in one namespace, kept up to date by one request that is open at a time.

    list ──▶ watch from the list's version ──bookmarks──▶ watch from the last version seen ──410──▶ list

Enters: a connection, a kind, a selector. Leaves: `listed(objects)` after each list, `changed(type, object)` for each change.

A watch is asked to end by itself after `PERIOD`, and given up when it has not: a server that has stopped, or a connection that is
dead on the other side only, is noticed within `NOTICED`. An API server that is away is asked again, at most every `BACKOFF_MAX`.

What must never happen: a change that is not told (of what came and went between two lists, only the end is); a silent end.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from brignb.cluster.connection import ApiError, Connection
from brignb.cluster.paths import path
from brignb.errors import BrignbError, Refused, Unreachable

PERIOD: Final = 25
"""Seconds that a watch is open; a share of it is random, so that not all come at once."""
NOTICED: Final = PERIOD + 5
"""Seconds without any byte after which a watch is dead."""
BACKOFF_MAX: Final = 4.0
"""Seconds between two tries."""
PAGE: Final = 500
_GONE: Final = 410
_DOUBLINGS: Final = 8

Object = dict[str, Any]


class Watch:
    """See the module.

    Args:
        connection: To the cluster.
        namespace: Of the objects.
        kind: `pods`, `events`.
        selectors: `labelSelector`, `fieldSelector`.
        listed: Gets all there are; None: what is there already does not matter.
        changed: Gets `ADDED`, `MODIFIED` or `DELETED`, and the object.
        trouble: Gets each failure, and None when it works again.
    """

    def __init__(
        self,
        connection: Connection,
        namespace: str,
        kind: str,
        *,
        selectors: dict[str, Any],
        listed: Callable[[list[Object]], None] | None,
        changed: Callable[[str, Object], None],
        trouble: Callable[[BrignbError | None], None],
    ) -> None:
        self._connection = connection
        self._path = path(namespace, kind)
        self._selectors = selectors
        self._listed = listed
        self._changed = changed
        self._trouble = trouble
        self._version: str | None = None
        self.ready = asyncio.Event()

    async def run(self) -> None:
        """For ever; cancel it."""
        failures = 0
        while True:
            try:
                if self._version is None:
                    await self._list()
                await self._watch()
                failures = 0
            except ApiError as error:
                if error.status == _GONE:
                    self._version = None
                    continue
                failures = await self._failed(error, failures)
            except (Unreachable, Refused) as error:
                failures = await self._failed(error, failures)

    async def _failed(self, error: BrignbError, failures: int) -> int:
        self._trouble(error)
        await asyncio.sleep(backoff(min(failures, _DOUBLINGS)))
        return failures + 1

    async def _list(self) -> None:
        found: list[Object] = []
        page: dict[str, Any] = {"limit": PAGE if self._listed else 1}
        while True:
            answer = await self._connection.ask("GET", self._path, **self._selectors, **page)
            found += answer["items"]
            following = answer["metadata"].get("continue")
            if not following or self._listed is None:
                break
            page["continue"] = following
        self._version = answer["metadata"]["resourceVersion"]
        if self._listed:
            self._listed(found)

    async def _watch(self) -> None:
        from aiohttp import ClientError, ClientTimeout  # noqa: PLC0415 - an extra

        period = PERIOD - random.randrange(PERIOD // 4)  # noqa: S311 - spreads load
        answer = await self._connection.open(
            "GET",
            self._path,
            within=ClientTimeout(total=None, sock_connect=NOTICED, sock_read=NOTICED),
            **self._selectors,
            watch=1,
            allowWatchBookmarks="true",
            resourceVersion=self._version,
            timeoutSeconds=period,
        )
        self.ready.set()
        self._trouble(None)
        try:
            async for change in _changes(answer.content.iter_any()):
                self._take(change["type"], change["object"])
        except (ClientError, OSError, TimeoutError) as error:
            raise Unreachable(f"the watch was cut: {str(error) or 'silence'}") from error
        finally:
            answer.close()

    def _take(self, kind: str, found: Object) -> None:
        if kind == "ERROR":
            raise ApiError(found.get("code", 0), found.get("reason", ""), found.get("message", "the watch failed"))
        self._version = found["metadata"]["resourceVersion"]
        if kind != "BOOKMARK":
            self._changed(kind, found)


def backoff(failures: int) -> float:
    """Seconds before the next try: doubling from a fifth of a second, and a share of it random."""
    return float(min(0.2 * 2**failures, BACKOFF_MAX) * random.uniform(0.5, 1))  # noqa: S311 - spreads load


async def _changes(chunks: AsyncIterator[bytes]) -> AsyncIterator[Object]:
    """One JSON object a line, however the lines are cut; an unfinished last one was cut off and is told again later."""
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.strip():
                yield json.loads(line)
