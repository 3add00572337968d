"""Which of several controllers leads.

    Lease (with --lease, in a cluster) ──▶ the database's locks (PostgreSQL) ──▶ leads ──▶ keep both ──▶ let go of both

The Lease says who is to lead, and is there for people to see; the database fences off whoever no longer does. With SQLite the home's lock
has said it before. What must never happen: a controller that acts before it has both, or after it has lost one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import socket
from typing import TYPE_CHECKING

from brignb.cluster.connection import connect
from brignb.cluster.lease import Lease
from brignb.model.options import PARTS, ServeOptions
from brignb.wiring.together import together

if TYPE_CHECKING:
    from brignb.store.leadership import Leadership

log = logging.getLogger("brignb")


class Election:
    """See the module.

    Args:
        options: Whether there is a Lease.
        leadership: Of the database; None: it is this process's own.
    """

    def __init__(self, options: ServeOptions, leadership: Leadership | None) -> None:
        self._name = options.lease
        self._patient = bool(options.lease) or options.parts != frozenset(PARTS)
        self._leadership = leadership
        self._lease: Lease | None = None
        self._stack = contextlib.AsyncExitStack()

    async def won(self) -> None:
        """This process leads: at once or never when it is a whole server, else when its turn has come.

        Raises:
            Conflict: Another server has the database.
            Away: The database does not answer, likewise.
            Refused: The account may not hold the Lease.
            Unreachable: There is no cluster.
        """
        if self._name:
            connection = await connect()
            self._stack.push_async_callback(connection.close)
            namespace, _, name = self._name.rpartition("/")
            holder = f"{socket.gethostname()}_{secrets.token_hex(4)}"
            self._lease = Lease(connection, namespace or connection.place.namespace, name, holder=holder)
            await self._lease.take()
            self._stack.push_async_callback(self._lease.release)
        if self._leadership is not None:
            await together(self._leadership.take(wait=self._patient), self._keep_lease())
            self._stack.push_async_callback(self._leadership.close)
        log.info("this server leads: it builds")

    async def keep(self) -> None:
        """Hold on to what was won, until canceled.

        Raises:
            Conflict: Another one leads, or may lead, by now.
            Refused: The cluster does not let us hold the Lease any more.
        """
        keeping = [self._keep_lease()]
        if self._leadership is not None:
            keeping.append(self._leadership.keep())
        await together(*keeping)

    async def close(self) -> None:
        """Let go: who waits need not wait longer."""
        await self._stack.aclose()

    async def _keep_lease(self) -> None:
        if self._lease is not None:
            await self._lease.keep()
        await asyncio.Event().wait()
