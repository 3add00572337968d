"""Calls of the API: a connection, its answers as values, what goes wrong as errors of the house."""

from __future__ import annotations

import ssl
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self
from urllib.parse import quote, urlsplit

import httpx

from brignb.client.answers import checked, document, unreachable
from brignb.errors import BadInput

JSON = dict[str, Any]

SECONDS: Final = 30.0
SOURCE_SECONDS: Final = 600.0
"""Seconds for the first byte of a source: the server may have to fetch it, and packs it before it sends it."""
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Calls:
    """See the module. Use it as a context manager, or close it.

    Args:
        server: Its address.
        token: What it wants to see.
        seconds: For which it may be silent.
        ca: A file with the certificates that vouch for the server; None: those that this machine trusts.

    Raises (every method):
        Unreachable: Nobody answers there.
        Refused: The token is not the server's.
        NotFound, BadInput, Conflict, Unavailable: As the server says.
    """

    def __init__(self, server: str, token: str, *, seconds: float = SECONDS, ca: Path | None = None) -> None:
        self._server = server
        parts = urlsplit(server)
        self._http = httpx.Client(
            base_url=server,
            headers={"authorization": f"Bearer {token}", "user-agent": "brignb"},
            timeout=seconds,
            trust_env=parts.hostname not in _LOOPBACK,  # a proxy for the world is none for this machine
            verify=_trusted(parts.scheme, ca),
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

    def _write(self, url: str, file: IO[bytes], **request: Any) -> None:
        """A document of any length, into a file."""
        timeout = httpx.Timeout(SECONDS, read=SOURCE_SECONDS)
        try:
            with self._http.stream("GET", url, timeout=timeout, **request) as answer:
                if answer.is_error:
                    answer.read()
                for chunk in checked(answer, self._server).iter_bytes():
                    file.write(chunk)
        except httpx.TransportError as error:
            raise unreachable(error, self._server) from error


def _trusted(scheme: str, ca: Path | None) -> ssl.SSLContext | bool:
    """Whose certificates are believed; loading the world's takes longer than a call, and a plain one needs none.

    Raises:
        BadInput: The file holds none.
    """
    if scheme != "https" or ca is None:
        return scheme == "https"
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise BadInput(f"no certificates can be read from it: {error.strerror or error}", where=str(ca)) from error


def of_project(name: str) -> str:
    """A project's path."""
    return f"/api/projects/{quote(name, safe='/')}"


def of_build(build_id: str) -> str:
    """A build's path."""
    return f"/api/builds/{quote(build_id, safe='')}"
