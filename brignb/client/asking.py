"""Calls of a worker that outlive a server's restart: asked again until somebody answers, for a while.

What may be asked twice is asked here only. What must never happen: a wait for a server that is gone for good.
"""

from __future__ import annotations

import asyncio
import json
import random
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from brignb.client.answers import checked, unreachable
from brignb.errors import Unavailable, Unreachable
from brignb.model.assignment import Server

AWAY: Final = 600.0
"""Seconds without an answer after which the server counts as gone; a worker whose lease is over has been ended long before."""
SILENCE: Final = 30.0
"""Seconds without a byte after which a connection counts as dead; the server shows that it lives every 10."""
_PAUSE_MAX: Final = 2.0

Content = Callable[[], AsyncIterator[bytes]]


class Asking:
    """See the module. All of it on one event loop.

    Args:
        server: Whom.
        prefix: Of all paths.
    """

    def __init__(self, server: Server, prefix: str) -> None:
        parts = urlsplit(server.url)
        verify = ssl.create_default_context(cafile=server.ca) if parts.scheme == "https" else False
        self._url = server.url
        self._base = f"{server.url.rstrip('/')}{prefix}"
        self._http = httpx.AsyncClient(
            headers={"authorization": f"Bearer {server.token}", "user-agent": "brignb"},
            timeout=httpx.Timeout(SILENCE, pool=None),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=32),
            trust_env=False,  # the server is near
            verify=verify,
        )

    async def ask(self, method: str, path: str, *, content: bytes | Content | None = None, **request: Any) -> Any:
        """The answer's JSON; None: it has none.

        Args:
            method: Of a request that may be made twice.
            path: Below the prefix.
            content: The body, or what makes it, each time anew.
            request: See `httpx`.

        Raises:
            BrignbError: As the server says; `Unreachable` when nobody answers.
        """
        pauses = _Pauses()
        while True:
            try:
                body = content() if callable(content) else content
                answer = await self._http.request(method, f"{self._base}{path}", content=body, **request)
                return json.loads(checked(answer, self._url).content or b"null")
            except httpx.TransportError as error:
                await pauses.after(unreachable(error, self._url))
            except (
                Unreachable,
                Unavailable,
            ) as error:  # something that stands before a server that is away, or its database
                await pauses.after(error)

    async def lines(self, path: str, **params: Any) -> AsyncGenerator[dict[str, Any], None]:
        """The answer's lines, a JSON object each, as they come; once.

        Raises:
            BrignbError: As the server says; `Unreachable` when nobody answers, or it was cut.
        """
        rest = bytearray()
        try:
            async with self._http.stream("GET", f"{self._base}{path}", params=params) as answer:
                if answer.is_error:
                    await answer.aread()
                async for chunk in checked(answer, self._url).aiter_raw():
                    searched = len(rest)
                    rest += chunk
                    if (end := rest.rfind(b"\n", searched)) >= 0:
                        whole, rest = bytes(rest[:end]), rest[end + 1 :]
                        for line in whole.split(b"\n"):
                            yield json.loads(line)
        except httpx.TransportError as error:
            raise unreachable(error, self._url) from error
        raise Unreachable("the connection was closed before the end", where=self._url)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()


class _Pauses:
    """Between tries: longer each time, for as long as `AWAY`."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._since = self._loop.time()
        self._pause = 0.05

    async def after(self, error: Unreachable | Unavailable) -> None:
        if self._loop.time() - self._since > AWAY:
            raise error
        await asyncio.sleep(self._pause * random.uniform(0.5, 1))  # noqa: S311 - spreads load
        self._pause = min(2 * self._pause, _PAUSE_MAX)
