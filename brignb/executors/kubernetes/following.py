"""The log of a container, as raw content with times, from its first byte to its last.

    GET …/log?follow&timestamps ──▶ lines ──▶ (milliseconds, content)
          ▲                            │ cut, rotated, ended too early
          └── sinceTime, less what was told already ◀──┘

The API server resumes by the second, so what was told is recognised by its own time, to the nanosecond: the times of the last `WINDOW`
lines are remembered. Times of stdout and stderr may be a little out of order; the order in the file stays.

What must never happen: a line lost, or told twice, whatever happens to the connection; a gap (the node had rotated the log away) that
is not said.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, Final

from brignb.cluster.connection import ApiError, Connection
from brignb.cluster.watching import backoff
from brignb.errors import Refused, Unreachable
from brignb.executors.kubernetes.loglines import Batch, Resumed, Split
from brignb.model.times import rfc3339

if TYPE_CHECKING:
    from aiohttp import ClientResponse

WINDOW: Final = 4096
"""Lines whose times are remembered."""
PATIENCE: Final = 3.0
"""Seconds that an open stream may go on after the container has ended; it is read to its end by another request then."""
LAST_TRIES: Final = 6
"""Requests for the rest of an ended container's log, before its node is believed that it has none."""
_NOT_FOUND: Final = 404
_NO_LOG: Final = b"unable to retrieve container logs"
"""What a kubelet says, with status 200, of a container that it has just forgotten."""


class Follower:
    """See the module; used once.

    Args:
        connection: To the cluster.
        path: Of the log in the API.
        container: Whose.
        ended: Whether the container has terminated.
        gap: Is called when lines may be missing.
        since: Milliseconds since 1970; begin with that second; None: with the first byte.
    """

    def __init__(
        self,
        connection: Connection,
        path: str,
        container: str,
        *,
        ended: Callable[[], bool],
        gap: Callable[[str], None],
        since: int | None = None,
    ) -> None:
        self._connection = connection
        self._path = path
        self._container = container
        self._ended = ended
        self._gap = gap
        self._since = since
        self._times: deque[bytes] = deque(maxlen=WINDOW)
        self._split = Split()
        self._answer: ClientResponse | None = None
        self._news = asyncio.Event()

    def again(self) -> None:
        """Something has changed: do not wait any longer, and ask by a new connection."""
        self._news.set()
        if self._answer is not None:
            self._answer.close()

    def hurry(self) -> None:
        """The container has ended."""
        self._news.set()
        asyncio.get_running_loop().call_later(PATIENCE, self.again)

    async def batches(self) -> AsyncIterator[Batch]:
        """All of it, an empty batch when a stream has been opened; ends when the container has ended and its log was read whole."""
        failures = 0
        while True:
            last = self._ended()
            try:
                async for batch in self._read(follow=not last):
                    yield batch
                    if batch:
                        failures = 0
            except ApiError as error:
                if error.status == _NOT_FOUND or (last and failures >= LAST_TRIES):
                    if last and error.status != _NOT_FOUND:
                        self._gap(f"the end of the log cannot be read: {error.message}")
                    return
            except (Unreachable, Refused) as error:
                if last and failures >= LAST_TRIES:
                    self._gap(f"the end of the log cannot be read: {error.message}")
                    return
            else:
                if last:
                    break
            await self._pause(failures)
            failures += 1
        if rest := self._split.end():
            yield rest

    async def _pause(self, failures: int) -> None:
        self._news.clear()
        if not self._ended():
            try:
                await asyncio.wait_for(self._news.wait(), backoff(failures))
            except TimeoutError:
                return
        elif failures:
            await asyncio.sleep(backoff(failures))

    async def _read(self, *, follow: bool) -> AsyncIterator[Batch]:
        """One request's worth of what was not told yet."""
        from aiohttp import ClientError  # noqa: PLC0415 - an extra

        params: dict[str, Any] = {"container": self._container, "timestamps": "true"}
        if follow:
            params["follow"] = "true"
        resumed = None
        if self._times:
            resumed = Resumed(self._times)
            params["sinceTime"] = resumed.since
        elif self._since is not None:
            params["sinceTime"] = rfc3339(self._since // 1000 * 1000)
        self._split.resume()
        answer = self._answer = await self._connection.open("GET", self._path, **params)
        try:
            yield []
            async for chunk in answer.content.iter_any():
                if chunk.startswith(_NO_LOG):
                    raise ApiError(_NOT_FOUND, "NotFound", chunk.decode("utf-8", "replace"))
                lines = self._split.lines(chunk, in_parts=resumed is None)
                if resumed and lines:
                    lines = resumed.fresh(lines)
                    if resumed.over:
                        if not resumed.met:
                            self._gap("its node had rotated the log away; lines may be missing here")
                        resumed = None
                self._times.extend(line[: line.find(b" ")] for line in lines[-WINDOW:])
                if batch := self._split.batch(lines):
                    yield batch
        except (ClientError, OSError, TimeoutError) as error:
            raise Unreachable(f"the log was cut: {error}") from error
        finally:
            self._answer = None
            answer.close()
