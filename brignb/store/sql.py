"""The Store behind `brignb.store.seam` in a SQL database, SQLite or PostgreSQL: the same tables and statements (see `backends`).

Writes go through the one writer, in groups; reads run in a few threads, each in a snapshot of its own; the event loop waits for
neither. The statements stand in `inbox`, `events`, `builds`, `leases`, `jobs`, `projects` and `retention`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import Connection

from brignb.model.builds import Build, JobRecord, Outcome, State
from brignb.model.events import Event
from brignb.model.projects import Project
from brignb.store import builds, events, facts, inbox, jobs, leases, projects, retention, schema
from brignb.store.backends import backend
from brignb.store.database import Database
from brignb.store.sealing import Sealer
from brignb.store.seam import Accept, Accepted, Expired, Lease, Page, Wanted
from brignb.store.shelf import Shelf

T = TypeVar("T")

BUSY_MS: Final = 5000


class SqlStore:
    """See `brignb.store.seam.Store`.

    Args:
        url: `sqlite:////full/path/brignb.db` or `postgresql://USER@HOST/DATABASE`.
        sealer: For the projects' secrets.
        busy_ms: How long to wait while another program holds the database locked.
        changed: Is called when projects were changed here; those who share the database hear it from there.

    Raises:
        BadInput: The URL names no database that can be used.
    """

    def __init__(
        self, url: str, sealer: Sealer, *, busy_ms: int = BUSY_MS, changed: Callable[[], None] = lambda: None
    ) -> None:
        self._backend = backend(url, wait_ms=busy_ms)
        self.kind, self.where, self.own = self._backend.name, self._backend.where, self._backend.own
        self._sealer = sealer
        self._changed = changed
        self._database = Database(self._backend)
        self._shelf = Shelf(lambda: self._database.read(projects.everything, sealer))

    async def open(self) -> None:
        """Migrate, check the key, start the writer."""
        await self._database.open(self._prepare)

    def _prepare(self, connection: Connection) -> None:
        schema.migrate(connection, where=self._backend.where)
        facts.check_key(connection, self._sealer)

    async def lead(self) -> None:
        """From now on this process writes as the only leader, or not at all; see `leadership`.

        Raises:
            Away: It cannot be that now.
        """
        await self._database.write(self._lead)

    def _lead(self, connection: Connection) -> None:
        self._backend.lead(connection)
        facts.note_leader(connection, self.own)

    async def led_last(self) -> bool:
        """Whether nobody has led since this process did."""
        return await self._database.read(facts.leader) == self.own

    @property
    def pen(self) -> int:
        """The writing connection's session, once it leads; 0: it does not."""
        return self._backend.pen

    async def close(self) -> None:
        """Finish what was begun."""
        await self._database.close()

    # projects

    async def put_project(self, project: Project, *, at: int, replace: bool = False) -> bool:
        """Register or replace; the shelf learns of it before the caller does."""
        return await self._known(self._database.write(projects.put, project, self._sealer, at=at, replace=replace))

    async def project(self, name: str) -> Project | None:
        """From memory, but for the first time after a change."""
        return await self._shelf.get(name)

    async def projects(self) -> tuple[Project, ...]:
        """From memory, too."""
        return await self._shelf.all()

    async def delete_project(self, name: str, *, kept_in: str | None = None) -> tuple[str, ...] | None:
        """Forget it and all that is its."""
        return await self._known(self._database.write(projects.remove, name, kept_in=kept_in))

    async def _known(self, change: asyncio.Future[T]) -> T:
        change.add_done_callback(self._projects_changed)
        return await asyncio.shield(change)  # a caller that goes away must not keep the shelf from hearing of it

    def _projects_changed(self, _change: asyncio.Future[Any]) -> None:
        self._shelf.clear()
        self._changed()

    def look_again(self) -> None:
        """Another process has changed the projects."""
        self._shelf.clear()

    # the inbox

    async def accept(self, arrivals: Sequence[Accept]) -> tuple[Accepted, ...]:
        """All or none, together with what other callers bring."""
        return await self._database.join(inbox.accept, [inbox.arrival(accept) for accept in arrivals])

    async def event(self, event_id: str) -> Event | None:
        """With its payload."""
        return await self._database.read(events.get, event_id)

    async def events(self, *, project: str | None = None, limit: int = 50, cursor: str | None = None) -> Page[Event]:
        """Newest first, without payloads."""
        return await self._database.read(events.listed, project=project, limit=limit, cursor=cursor)

    # builds

    async def claim(
        self,
        *,
        at: int,
        limit: int,
        only: Wanted | None = None,
        but: Sequence[Wanted] = (),
        before: int | None = None,
        lease: Lease | None = None,
    ) -> tuple[Build, ...]:
        """The oldest pending ones run from now on."""
        return await self._database.write(
            builds.claim, at=at, limit=limit, only=only, but=tuple(but), before=before, lease=lease
        )

    async def hold(self, build_id: str, *, attempt: int, until: int, holder: str | None = None) -> Build | None:
        """Renew a lease."""
        return await self._database.write(leases.hold, build_id, attempt=attempt, until=until, holder=holder)

    async def attend(self, *, at: int, until: int) -> None:
        """Holders can be heard."""
        await self._database.write(leases.attend, at=at, until=until)

    async def overdue(self, *, at: int) -> tuple[Build, ...]:
        """Whose holders should have been heard."""
        return await self._database.read(leases.overdue, at=at)

    async def build(self, build_id: str) -> Build | None:
        """With its jobs."""
        return await self._database.read(builds.get, build_id)

    async def builds(
        self, *, project: str | None = None, state: State | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[Build]:
        """Newest first, with their jobs."""
        return await self._database.read(builds.listed, project=project, state=state, limit=limit, cursor=cursor)

    async def notebook(self, build_id: str) -> bytes | None:
        """As it was given to a rerun."""
        return await self._database.read(builds.notebook, build_id)

    async def note_start(self, build_id: str, *, attempt: int, commit: str | None, tier: str) -> bool:
        """Before its worker is told."""
        return await self._database.write(builds.note, build_id, attempt=attempt, resolved_commit=commit, tier=tier)

    async def note_first_cell(self, build_id: str, *, attempt: int, at: int) -> bool:
        """From here on a dead worker means `lost`."""
        return await self._database.write(builds.note_first_cell, build_id, attempt=attempt, at=at)

    async def put_job(self, job: JobRecord) -> bool:
        """As its worker tells."""
        return await self._database.write(jobs.put, job)

    async def finish(self, build_id: str, *, attempt: int, outcome: Outcome, at: int) -> bool:
        """The attempt ends."""
        return await self._database.write(builds.finish, build_id, attempt=attempt, outcome=outcome, at=at)

    async def requeue(self, build_id: str, *, attempt: int, lost: bool) -> bool:
        """The next attempt waits."""
        return await self._database.write(builds.requeue, build_id, attempt=attempt, lost=lost)

    async def cancel(self, build_id: str, *, at: int) -> Build | None:
        """What waits ends; what runs is asked to."""
        return await self._database.write(builds.cancel, build_id, at=at)

    async def counts(self) -> Mapping[State, int]:
        """By state."""
        return await self._database.read(builds.counts)

    # retention

    async def expire(self, *, at: int, keep_ms: int | None, keep_builds: int | None) -> Expired:
        """A portion."""
        found = await self._database.read(retention.victims, at=at, keep_ms=keep_ms, keep_builds=keep_builds)
        going = tuple(found[: retention.PORTION])
        keys = await self._database.write(retention.remove, going, at=at)
        return Expired(builds=going, more=len(found) > len(going) or keys == retention.KEYS)

    async def check(self) -> Mapping[str, Any]:
        """Write for real."""
        await self._database.write(facts.check_writable)
        return {"database": self._backend.name}
