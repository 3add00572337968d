"""A client of the server that the command is about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from brignb.client import Client


@contextmanager
def connected(server: str | None) -> Iterator[Client]:
    """A client, closed at the end.

    Raises:
        Unreachable: No server is known.
        Refused: No token is known.
    """
    from brignb.client import Client, find_server  # noqa: PLC0415 - `--help` needs no HTTP

    address = find_server(server)
    with Client(address.url, address.token) as client:
        yield client
