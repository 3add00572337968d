"""This server as workers of its own machine reach it: its address, and a token for each build's attempt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from brignb.model.assignment import Server
from brignb.model.builds import Build
from brignb.model.tokens import Tokens

_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound


@dataclass(frozen=True, slots=True)
class LocalServer:
    """See the module; made by `local_server`."""

    url: str
    tokens: Tokens

    def __call__(self, build: Build) -> Server:
        """For the worker of a build's attempt."""
        return Server(self.url, self.tokens.build(build.id, build.attempt))


def local_server(address: tuple[str, int], key: bytes) -> LocalServer:
    """The server that listens there.

    Args:
        address: Host and port.
        key: Its own.
    """
    host = _EVERYWHERE.get(address[0], address[0])
    return LocalServer(f"http://[{host}]:{address[1]}" if ":" in host else f"http://{host}:{address[1]}", Tokens(key))
