"""The API from its other end: typed calls, errors of the house, logs that survive a cut connection."""

from __future__ import annotations

from brignb.client.address import Address, find_home, find_server
from brignb.client.client import Client
from brignb.client.desk import Desk, Held, Offer
from brignb.client.following import End
from brignb.client.listening import Listener

__all__ = ["Address", "Client", "Desk", "End", "Held", "Listener", "Offer", "find_home", "find_server"]
