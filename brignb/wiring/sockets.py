"""Where a server listens, and how it hangs up.

bound ──▶ Listener ──▶ (asked to end) requests in flight are answered ──▶ closed
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from brignb.api.protocol import BoundedHttp
from brignb.errors import BadInput

HANG_UP: Final = 2
"""Seconds that open connections get at the end where some of them have no end of their own: followers of logs."""
ANSWER: Final = 8
"""Seconds that requests in flight get at the end where each has one: longer than the store waits for anything."""


@contextlib.contextmanager
def bound(host: str, port: int, *, option: str = "--port") -> Iterator[socket.socket]:
    """A socket at an address.

    Raises:
        BadInput: The address is taken, or cannot be had.
    """
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        sock = socket.socket(family, kind, protocol)
    except OSError as error:
        raise BadInput(f"{error.strerror}", where=f"--host {host}") from error
    with sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(address)
        except OSError as error:
            raise BadInput(
                f"cannot listen there: {error.strerror}",
                where=f"{host}:{port}",
                hint=f"choose another --host or {option}; 0 is any",
            ) from error
        yield sock


def url_of(sock: socket.socket, *, scheme: str = "http") -> str:
    """Of what listens there."""
    host, port = sock.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


class Listener(uvicorn.Server):
    """uvicorn, telling when it takes connections, and leaving the signals to us.

    Args:
        app: What answers.
        patience: Seconds for what is in flight at the end.
        started: Is called once it takes connections.
        certificate: With its chain; None: no TLS.
        key: Its private key.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        patience: int = HANG_UP,
        started: Callable[[], None] = lambda: None,
        certificate: Path | None = None,
        key: Path | None = None,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=BoundedHttp,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=patience,
                ssl_certfile=certificate,
                ssl_keyfile=key,
            )
        )
        self._tell = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell, once connections are taken."""
        await super().startup(sockets)
        self._tell()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ours are set already."""
        yield
