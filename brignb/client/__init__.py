"""The API from its other end: typed calls, errors of the house, logs that survive a cut connection.

Each name is imported when it is first asked for: a server wants to know where homes are, and needs no HTTP client for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from brignb.client.address import Address, find_home, find_server
    from brignb.client.client import Client
    from brignb.client.desk import Desk, Held, Offer
    from brignb.client.following import End
    from brignb.client.listening import Listener

__all__ = ["Address", "Client", "Desk", "End", "Held", "Listener", "Offer", "find_home", "find_server"]

_HOMES = {
    **dict.fromkeys(("Address", "find_home", "find_server"), "address"),
    **dict.fromkeys(("Desk", "Held", "Offer"), "desk"),
    "Client": "client",
    "End": "following",
    "Listener": "listening",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
