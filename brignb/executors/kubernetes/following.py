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
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from brignb.errors import Refused, Unreachable
from brignb.executors.kubernetes.connection import ApiError, Connection
from brignb.executors.kubernetes.watching import backoff
from brignb.model.logs import LINE_MAX
from brignb.model.times import parse_rfc3339

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
_MILLISECONDS: Final = 23
"""Characters of `2026-01-31T12:00:00.123`."""

Batch = list[tuple[int, bytes]]


class Follower:
    """See the module; used once.

    Args:
        connection: To the cluster.
        path: Of the log in the API.
        container: Whose.
        ended: Whether the container has terminated.
        gap: Is called when lines may be missing.
    """

    def __init__(
        self,
        connection: Connection,
        path: str,
        container: str,
        *,
        ended: Callable[[], bool],
        gap: Callable[[str], None],
    ) -> None:
        self._connection = connection
        self._path = path
        self._container = container
        self._ended = ended
        self._gap = gap
        self._times: deque[bytes] = deque(maxlen=WINDOW)
        self._split = _Split()
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
            resumed = _Resumed(self._times)
            params["sinceTime"] = resumed.since
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


class _Resumed:
    """After a cut: what of the lines that come was told already.

    Args:
        times: Of the last lines told.
    """

    def __init__(self, times: deque[bytes]) -> None:
        full = len(times) == times.maxlen
        self._told = Counter(times)
        self._before = max(islice(times, len(times) // 2)) if full else b""  # what came before the window is no later
        self._last = max(times)
        first = self._before or min(times)
        self.since = first[:19].decode() + _zone(first)
        self.over = False
        self.met = False

    def fresh(self, lines: list[bytes]) -> list[bytes]:
        """Those that were not."""
        found: list[bytes] = []
        for at, line in enumerate(lines):
            time = line[: line.find(b" ")]
            if time > self._last:
                self.over = True
                return found + lines[at:]
            if self._told[time] > 0:
                self._told[time] -= 1
                self.met = True
            elif time > self._before:
                found.append(line)
        return found


class _Split:
    """Chunks into lines, lines into content. A line longer than `LINE_MAX` is told in parts, so that none fills the memory."""

    def __init__(self) -> None:
        self._rest = bytearray()  # grows in place: a long line comes in many chunks
        self._open: tuple[bytes, int] | None = None  # the time of a line that is told in parts, and the bytes told
        self._skip = 0
        self._resumed: tuple[bytes, int] | None = None
        self._parts: Batch = []
        self._at = (b"", 0)

    def resume(self) -> None:
        """A new request: what was cut off comes again."""
        self._rest.clear()
        self._resumed, self._open = self._open or self._resumed, None

    def lines(self, chunk: bytes, *, in_parts: bool) -> list[bytes]:
        """Whole lines, each with its time.

        Args:
            chunk: As it came.
            in_parts: Whether a long line may be told in parts: what may have been told already has to be whole to be known.
        """
        end = chunk.rfind(b"\n")
        if end < 0:
            self._rest += chunk
            lines = []
        else:
            lines = (bytes(self._rest) + chunk[:end]).split(b"\n")
            self._rest[:] = chunk[end + 1 :]
        if self._open and lines:
            time, _ = self._open
            lines[0] = time + b" " + lines[0]
            self._open = None
        elif self._resumed and lines:
            lines = [self._without_told(line) for line in lines]
        if len(self._rest) > LINE_MAX and in_parts and not self._resumed:
            self._part()
        return lines

    def batch(self, lines: list[bytes]) -> Batch:
        """Content with times; lines of one millisecond are put together."""
        found: Batch = []
        parts, self._parts = self._parts, []
        now, zone = b"", b""
        texts: list[bytes] = []
        for line in lines:
            at = line.find(b" ")
            time = line[:_MILLISECONDS]
            if time != now and texts:
                found.append((self._ms(now, zone), b"\n".join(texts) + b"\n"))
                texts = []
            now, zone = time, line[_MILLISECONDS:at]
            texts.append(line[at + 1 :])
        if texts:
            found.append((self._ms(now, zone), b"\n".join(texts) + b"\n"))
        return found + parts

    def end(self) -> Batch:
        """What stands after the last newline."""
        rest = self._taken()
        if not rest:
            return []
        time, _, text = rest.partition(b" ")
        return [(0, rest)] if self._open else [(self._ms(time[:_MILLISECONDS], time[_MILLISECONDS:]), text)]

    def _part(self) -> None:
        """Tell what there is of a line whose end does not come."""
        rest = self._taken()
        if self._open is None:
            time, _, text = rest.partition(b" ")
            told = 0
        else:
            (time, told), text = self._open, rest
        self._parts.append((self._ms(time[:_MILLISECONDS], time[_MILLISECONDS:]), text))
        self._open = (time, told + len(text))

    def _taken(self) -> bytes:
        rest = bytes(self._rest)
        self._rest.clear()
        return rest

    def _without_told(self, line: bytes) -> bytes:
        """The line that was told in part before the cut, without that part."""
        if self._resumed and line.startswith(self._resumed[0] + b" "):
            time, told = self._resumed
            self._resumed = None
            return time + b" " + line[len(time) + 1 + told :]
        return line

    def _ms(self, time: bytes, zone: bytes) -> int:
        """Milliseconds since 1970; the second is remembered, since lines come in thousands."""
        second = time[:19] + zone[-6:]
        if second != self._at[0]:
            self._at = (second, parse_rfc3339(time[:19].decode() + _zone(time + zone)))
        return self._at[1] + int(time[20:] or b"0")


def _zone(time: bytes) -> str:
    """`Z` or `+01:00` at the end of a time."""
    return "Z" if time.endswith(b"Z") else time[-6:].decode()
