"""The Store seam: what the rest of the house asks of a database.

What enters and leaves are values of `brignb.model`; no row, session or connection does. Each method is one transaction. Times are
milliseconds since 1970 and always arguments. What must never happen: an answer before the commit it speaks of.

Every implementation passes `tests/contract/test_store.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

from brignb.model.builds import Build, JobRecord, Outcome, State
from brignb.model.events import Draft, Event
from brignb.model.projects import Project

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Accept:
    """A draft on its way in, with the ids it gets if it is new, and the notebook that its build runs instead of the commit's own."""

    project: str
    draft: Draft
    event_id: str
    build_id: str
    at: int
    notebook: bytes | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of an `Accept`: its own ids, or those of the delivery seen before."""

    event_id: str
    build_id: str
    duplicate: bool


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list, newest first; `next` is the cursor of the following part."""

    items: tuple[T, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """What retention took away; the archive forgets the same builds.

    Args:
        builds: Their ids.
        more: There is more to forget than one call takes; ask again.
    """

    builds: tuple[str, ...]
    more: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which pending builds somebody takes: a project's, of these event types, as `Event.matches` has them; none: of all types."""

    project: str
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lease:
    """Who gets a claimed build, such as `pod/NAME`, and until when that one is believed to live without a word."""

    holder: str
    until: int


SILENCE: Final = 10_000
"""Milliseconds after which nobody is there any more who hears holders, see `Store.attend`."""


class Store(Protocol):
    """See the module."""

    async def open(self) -> None:
        """Migrate, check, start the writer.

        Raises:
            Unavailable: The database cannot be opened, is of a later version, or was made with another key.
        """

    async def close(self) -> None:
        """Finish what was begun."""

    # projects

    async def put_project(self, project: Project, *, at: int, replace: bool = False) -> bool:
        """Register a project; True when it is new.

        Raises:
            Conflict: It exists and `replace` is false, or is kept elsewhere (`kept_in`).
        """

    async def project(self, name: str) -> Project | None:
        """By name or by Brigade v1's id, with its secrets."""

    async def projects(self) -> tuple[Project, ...]:
        """All, by name, with their secrets."""

    async def delete_project(self, name: str, *, kept_in: str | None = None) -> tuple[str, ...] | None:
        """Forget a project, its events, builds, jobs and deliveries; its builds' ids, or None when there is no such project.

        Raises:
            Conflict: A build of it is running, or it is kept elsewhere than where it is deleted (`kept_in`).
        """

    # the inbox

    async def accept(self, arrivals: Sequence[Accept]) -> tuple[Accepted, ...]:
        """Store events and their builds, all or none; a delivery seen before changes nothing and answers its first ids.

        Raises:
            Unavailable: It cannot be stored now (disk full, database locked or gone).
            NotFound: The project is gone, or leaving.
            BadInput: A payload holds a lone surrogate.
            Conflict: An id was given before.
        """

    async def event(self, event_id: str) -> Event | None:
        """With its payload, and with the commit that was resolved for its build."""

    async def events(self, *, project: str | None = None, limit: int = 50, cursor: str | None = None) -> Page[Event]:
        """Newest first, payloads left out; a page has at most 1,000.

        Raises:
            BadInput: The cursor is not one of this list's, or the limit is below 1.
        """

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
        """The oldest pending builds become running, in order; their project's other builds do not hold them up.

        Args:
            at: Now.
            limit: How many.
            only: Of these; None: of all.
            but: None of these.
            before: Of those that were accepted before then; None: of all.
            lease: Whose they are, where that is no process of the controller's.
        """

    async def hold(self, build_id: str, *, attempt: int, until: int, holder: str | None = None) -> Build | None:
        """Its holder lives, and is believed to until then. Who is asked to end it is given no more time: that lease runs out.

        Args:
            build_id: The build.
            attempt: Of it.
            until: When its holder is to have said so again.
            holder: Who says so; None: whoever has this attempt.

        Returns:
            The build as it is then, without its jobs; None: that attempt is over, or nobody holds it, or somebody else does.
        """

    async def attend(self, *, at: int, until: int) -> None:
        """Holders can be heard now: to be said every few seconds by whoever hears them.

        Time in which nobody was there to hear them, `SILENCE` or more, does not count: afterwards no lease ends before `until`.
        """

    async def overdue(self, *, at: int) -> tuple[Build, ...]:
        """Running builds whose leases ran out while their holders could be heard; oldest first, without their jobs."""

    async def build(self, build_id: str) -> Build | None:
        """With its jobs, in the order in which they were first told of."""

    async def builds(
        self, *, project: str | None = None, state: State | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[Build]:
        """Newest first, with their jobs; a page has at most 1,000.

        Raises:
            BadInput: The cursor is not one of this list's, or the limit is below 1.
        """

    async def notebook(self, build_id: str) -> bytes | None:
        """The one that its `Accept` came with; None: it has none of its own."""

    async def note_start(self, build_id: str, *, attempt: int, commit: str | None, tier: str) -> bool:
        """The resolved commit (the event keeps its ref), and in which kind of worker it runs; False when the attempt is over (fence)."""

    async def note_first_cell(self, build_id: str, *, attempt: int, at: int) -> bool:
        """The first user cell starts now: from here on a dead worker means `lost`. False when the attempt is over."""

    async def put_job(self, job: JobRecord) -> bool:
        """Note a job's state; a terminal state stays. False when the job's attempt of the build is over."""

    async def finish(self, build_id: str, *, attempt: int, outcome: Outcome, at: int) -> bool:
        """The attempt ends: running (or pending, when nothing could be started) → terminal.

        Its unfinished jobs end as `lost`, or as `canceled` and `timed_out` with their build. False when the attempt is over.
        """

    async def requeue(self, build_id: str, *, attempt: int, lost: bool) -> bool:
        """Running → pending with attempt + 1; `lost` counts it against the project's `retries`. False when the attempt is over.

        What was noted of the attempt (first cell, tier, resolved commit) is forgotten and its unfinished jobs are lost; a
        `cancel_requested` stays, and whoever claims the build next ends it.
        """

    async def cancel(self, build_id: str, *, at: int) -> Build | None:
        """Pending → canceled; running → cancel_requested; else nothing changes. None: no such build."""

    async def counts(self) -> Mapping[State, int]:
        """How many builds are in each state, zeros too."""

    # retention

    async def expire(self, *, at: int, keep_ms: int | None, keep_builds: int | None) -> Expired:
        """Forget a portion of the builds that ended longer than `keep_ms` ago, and of all but each project's `keep_builds` newest.

        Only terminal builds go and count. Their events and jobs go with them. Delivery keys go when their own time is over, and
        not before.
        """

    async def check(self) -> Mapping[str, Any]:
        """Whether it can be written to now, for `/readyz`.

        Raises:
            Unavailable: It cannot.
        """
