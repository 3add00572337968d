"""Words for other processes, told with the commit that they are about: heard when it can be seen, and never without it.

    pending     a build waits that did not wait before
    projects    they have changed

`line` hears them. SQLite has no other processes.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection

CHANNEL: Final = "brignb"
OWN: Final = "brignb_own"
"""Where a connection's `info` has the name of its process, which does not hear its own words."""


def tell(connection: Connection, word: str) -> None:
    """To the other processes on this database, once and only if this transaction is committed."""
    own = connection.info.get(OWN)
    if own is not None:
        connection.exec_driver_sql("SELECT pg_notify(%s, %s)", (CHANNEL, f"{own} {word} "))
