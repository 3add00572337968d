"""Calls of the API: a connection, its answers as values, what goes wrong as errors of the house."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote, urlsplit

import httpx

from brignb.client.answers import checked, document, unreachable

JSON = dict[str, Any]

SECONDS: Final = 30.0
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Calls:
    """See the module. Use it as a context manager, or close it.

    Args:
        server: Its address.
        token: What it wants to see.
        seconds: For which it may be silent.

    Raises (every method):
        Unreachable: Nobody answers there.
        Refused: The token is not the server's.
        NotFound, BadInput, Conflict, Unavailable: As the server says.
    """

    def __init__(self, server: str, token: str, *, seconds: float = SECONDS) -> None:
        self._server = server
        parts = urlsplit(server)
        self._http = httpx.Client(
            base_url=server,
            headers={"authorization": f"Bearer {token}", "user-agent": "brignb"},
            timeout=seconds,
            trust_env=parts.hostname not in _LOOPBACK,  # a proxy for the world is none for this machine
            verify=parts.scheme == "https",  # loading the world's certificates takes longer than a call
        )

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def _json(self, method: str, path: str, **request: Any) -> JSON:
        return document(self._answer(method, path, **request), self._server)

    def _answer(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            return checked(self._http.request(method, path, **request), self._server)
        except httpx.TransportError as error:
            raise unreachable(error, self._server) from error


def of_project(name: str) -> str:
    """A project's path."""
    return f"/api/projects/{quote(name, safe='/')}"


def of_build(build_id: str) -> str:
    """A build's path."""
    return f"/api/builds/{quote(build_id, safe='')}"
