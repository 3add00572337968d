"""A Lease of Kubernetes (coordination.k8s.io): of several that want it one holds it, as long as it says every `RENEW` that it lives.

    take ──(nobody has it, or its holder has been silent for its time)──▶ held ──▶ keep: renewed for ever ──▶ release

As client-go's leader election does it: clocks of machines are not compared; how long a holder has been silent is how long *we* have
seen no change. Every write names the version that it has read, so that of two that write at once one fails.

What must never happen: a holder that goes on when its time is over. It gives up `GIVE_UP` after its last renewal, before the others
may take it; but who is stopped learns of that only when it goes on, so a Lease alone fences nothing off (`store.leadership` does).
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final, NoReturn

from brignb.cluster.connection import ApiError, Connection
from brignb.cluster.paths import path
from brignb.errors import BrignbError, Conflict, Refused, Unreachable

log = logging.getLogger(__name__)

SECONDS: Final = 12
"""How long a holder may be silent."""
GIVE_UP: Final = 8.0
"""Seconds after its last renewal after which it acts no more."""
RENEW: Final = 2.0
"""Seconds between two renewals, and between two looks of who waits."""
RIGHTS: Final[tuple[tuple[str, tuple[str, ...], str], ...]] = (
    ("leases.coordination.k8s.io", ("get", "create", "update"), "of two controllers one leads"),
)
"""Resource, verbs, and what for."""
_GROUP: Final = "coordination.k8s.io/v1"


class Lease:
    """See the module.

    Args:
        connection: To the cluster.
        namespace: Of the Lease.
        name: Likewise.
        holder: Who we are; another one each time a process begins.
    """

    def __init__(self, connection: Connection, namespace: str, name: str, *, holder: str) -> None:
        self._connection = connection
        self._namespace = namespace
        self._name = name
        self._holder = holder
        self._where = f"Lease {namespace}/{name}"
        self._other = ""
        self._seen = ""
        self._since = 0.0
        self._renewed = 0.0

    async def take(self) -> None:
        """Wait for it, until it is ours.

        Raises:
            Refused: The account may not.
        """
        told = ""
        while not await self._tried():
            if told != self._other:
                told = self._other
                log.info("%s is held by %s; this server waits", self._where, told)
            await asyncio.sleep(RENEW)
        log.info("%s is held by this server", self._where)

    async def _tried(self) -> bool:
        """Look, and take it if it can be had."""
        try:
            found = await self._found()
            if found is None:
                return await self._written(self._spec(transitions=0), version=None)
            spec = found.get("spec") or {}
            self._other = spec.get("holderIdentity") or ""
            if not self._over(found, spec):
                return False
            transitions = int(spec.get("leaseTransitions") or 0) + 1
            return await self._written(self._spec(transitions=transitions), version=_version(found))
        except Unreachable as error:
            log.error("%s", error)  # noqa: TRY400 - an error for people
            return False

    def _over(self, found: dict[str, Any], spec: dict[str, Any]) -> bool:
        now = asyncio.get_running_loop().time()
        if _version(found) != self._seen:
            self._seen, self._since = _version(found), now
        return not self._other or now - self._since > int(spec.get("leaseDurationSeconds") or SECONDS)

    async def keep(self) -> NoReturn:
        """Renew it, until canceled.

        Raises:
            Conflict: It is another one's, or may be by now.
            Refused: The account may not any more.
        """
        while True:
            await asyncio.sleep(RENEW)
            why = await self._renewal()
            if self._silent() > GIVE_UP:
                raise Conflict(f"it could not be renewed for {self._silent():.0f} s: {why}", where=self._where)

    async def _renewal(self) -> str:
        """Try once; answers why it was not done, empty when it was."""
        if self._silent() > GIVE_UP:
            return "this process stood still"
        try:
            found = await self._found()
            spec = (found or {}).get("spec") or {}
            if found is None or spec.get("holderIdentity") != self._holder:
                raise Conflict(f"it is held by {spec.get('holderIdentity') or 'nobody'} by now", where=self._where)
            done = await self._written({**spec, "renewTime": _now()}, version=_version(found))
        except Unreachable as error:
            return error.message
        return "" if done else "somebody else has written it"

    async def release(self) -> None:
        """Who waits need not wait until our time is over. What cannot be said now is said by that."""
        try:
            found = await self._found()
            if found is not None and found["spec"].get("holderIdentity") == self._holder:
                await self._written({**found["spec"], "holderIdentity": ""}, version=_version(found))
        except BrignbError as error:
            log.warning("%s is left to its end: %s", self._where, error.message)

    def _silent(self) -> float:
        return asyncio.get_running_loop().time() - self._renewed

    async def _found(self) -> dict[str, Any] | None:
        try:
            return await self._connection.ask("GET", self._path(self._name), timeout=RENEW)
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise self._refused(error) from error

    async def _written(self, spec: dict[str, Any], *, version: str | None) -> bool:
        """False: another one has written since that version."""
        asked = asyncio.get_running_loop().time()
        metadata = {"name": self._name, **({"resourceVersion": version} if version else {})}
        body = {"apiVersion": _GROUP, "kind": "Lease", "metadata": metadata, "spec": spec}
        method, where = ("PUT", self._path(self._name)) if version else ("POST", self._path())
        try:
            await self._connection.ask(method, where, body, timeout=RENEW)
        except ApiError as error:
            if error.status == HTTPStatus.CONFLICT:
                return False
            raise self._refused(error) from error
        self._renewed = asked
        return True

    def _path(self, name: str = "") -> str:
        return path(self._namespace, "leases", name, group=_GROUP)

    def _spec(self, *, transitions: int) -> dict[str, Any]:
        now = _now()
        return {
            "holderIdentity": self._holder,
            "leaseDurationSeconds": SECONDS,
            "acquireTime": now,
            "renewTime": now,
            "leaseTransitions": transitions,
        }

    def _refused(self, error: ApiError) -> BrignbError:
        """What waiting does not mend; any other failure of the API server may pass."""
        if error.status == HTTPStatus.FORBIDDEN:
            return Refused(
                error.message, where=self._where, hint="the account needs get, create, update of leases there"
            )
        return Unreachable(error.message, where=self._where)


def _version(found: dict[str, Any]) -> str:
    return str(found["metadata"]["resourceVersion"])


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
