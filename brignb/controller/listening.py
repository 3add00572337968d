"""Writes down what a worker says; implements `brignb.controller.hosting.Listener`."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any

from brignb.controller.site import Site
from brignb.errors import Conflict
from brignb.model.builds import Build, JobRecord
from brignb.model.events import DedupeKey, Draft, Event
from brignb.store.seam import Accept


class StoreListener:
    """See the module.

    Args:
        site: Its store and news.
        build: Whose worker; its attempt is the fence.
        event: What it is for; emitted events have its revision.
        noted: Done when what the worker was told is on the disk: its commit, its notebook.
    """

    def __init__(self, site: Site, build: Build, event: Event, *, noted: Awaitable[object]) -> None:
        self._site = site
        self._build = build
        self._event = event
        self._noted = noted

    async def first_cell(self) -> None:
        """Note it durably.

        Raises:
            Conflict: The build has another attempt by now; this worker must not begin.
            BrignbError: Its notebook cannot be kept, likewise.
        """
        site, build = self._site, self._build
        await self._noted
        if not await site.store.note_first_cell(build.id, attempt=build.attempt, at=site.now_ms()):
            raise Conflict("this attempt of the build is over")

    async def emit(self, event_type: str, payload: str, *, keys: tuple[DedupeKey, ...] = ()) -> Mapping[str, Any]:
        """Store the event and its build, in the same project, at the same revision; one that is sent again by the same keys, once."""
        site, build = self._site, self._build
        at = site.now_ms()
        draft = Draft(
            gateway="brignb",
            source="brignb",
            type=event_type,
            payload=payload,
            revision=self._event.revision,
            any_commit=build.any_commit,
            keys=keys,
            cause={"event": self._event.id, "build": build.id, "trigger": "emit"},
        )
        event_id, build_id = site.new_ids(at)
        accept = Accept(project=build.project, draft=draft, event_id=event_id, build_id=build_id, at=at)
        (accepted,) = await site.store.accept([accept])
        site.wake()
        return {"event": accepted.event_id, "build": accepted.build_id}

    async def job(self, job: JobRecord) -> None:
        """Note a job's state."""
        await self._site.store.put_job(job)
        self._site.news.ring(self._build.id)

    def news(self, stream: str) -> None:
        """Wake the build's followers."""
        del stream  # they look at all of them
        self._site.news.ring(self._build.id)
