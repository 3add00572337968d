"""The last builds of the author's project, from the server if one is there; for the display of `project`, which waits for nobody."""

from __future__ import annotations

from typing import Final

from brignb.errors import BrignbError
from brignb.script.session import LastBuilds

COUNT: Final = 5
SECONDS: Final = 0.5
"""For which a display waits."""


def last_builds(project: str) -> LastBuilds:
    """Newest first; when there are none, why."""
    from brignb.client import Client, find_server  # noqa: PLC0415 - most sessions never ask a server

    try:
        address = find_server()
        with Client(address.url, address.token, seconds=SECONDS) as client:
            found = client.builds(project=project, limit=COUNT)["items"]
    except BrignbError as error:
        return (), f"{error.where}: {error.message}" if error.where else error.message
    return found, "" if found else "none yet"
