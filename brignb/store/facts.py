"""Facts about the database itself: whose key its secrets were sealed with, who leads, and whether it takes writes.

Statements only: each function takes a connection that is in a transaction.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, insert, select, update

from brignb.errors import Unavailable
from brignb.store.sealing import Sealer
from brignb.store.tables import meta

_PROBE: Final = "probe"
_LEADER: Final = "leader"


def check_key(connection: Connection, sealer: Sealer) -> None:
    """Open the probe, which the first key that a database met has sealed.

    Raises:
        Unavailable: It was another key.
    """
    sealed = connection.scalar(select(meta.c.value).where(meta.c.name == _PROBE))
    if sealed is None:
        connection.execute(insert(meta).values(name=_PROBE, value=sealer.seal({}, _PROBE)))
    else:
        sealer.open(sealed, _PROBE)


def note_leader(connection: Connection, name: str) -> None:
    """From now on it leads: whoever led before has to begin anew, if it is to lead again."""
    noted = update(meta).where(meta.c.name == _LEADER).values(value=name.encode())
    if not connection.execute(noted).rowcount:
        connection.execute(insert(meta).values(name=_LEADER, value=name.encode()))


def leader(connection: Connection) -> str:
    """Who led last; empty: nobody yet."""
    return (connection.scalar(select(meta.c.value).where(meta.c.name == _LEADER)) or b"").decode()


def check_writable(connection: Connection) -> None:
    """Write a row with what it holds already: the page goes to the disk all the same.

    Raises:
        Unavailable: The row is gone; somebody has changed the database.
    """
    same = update(meta).where(meta.c.name == _PROBE).values(value=meta.c.value)
    if not connection.execute(same).rowcount:
        raise Unavailable("the database has lost its probe", hint="put back a backup; another program has changed it")
