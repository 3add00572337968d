"""What has ended is moved, what runs is not; a place that is away is tried again, and one bad build does not hold up the others."""

from __future__ import annotations

import asyncio

import pytest

from brignb.controller import settling
from brignb.controller.settling import Settling
from brignb.errors import Away, Unavailable
from brignb.model.builds import Build, State
from brignb.model.events import Revision

STATES = {
    "ran": State.SUCCEEDED,
    "runs": State.RUNNING,
    "bad": State.FAILED,
    "waits": State.PENDING,
    "last": State.LOST,
}


class Store:
    """Builds by their ids: a word of a state each."""

    async def build(self, build_id):
        if build_id not in STATES:
            return None
        return Build(id=build_id, project="a/b", event_id="E", event_type="push", event_source="github",
                     revision=Revision(), any_commit=False, state=STATES[build_id], created_at=1)  # fmt: skip


class Places:
    def __init__(self):
        self.moved, self.away = [], 0
        self.done = asyncio.Event()
        self.loop = asyncio.get_running_loop()

    def unsettled(self):
        return ("bad", "forgotten", "ran", "runs", "waits", "last")

    def settle(self, build_id):
        if self.away:
            self.away -= 1
            raise Away("the database does not answer")
        if build_id == "bad":
            raise Unavailable("it is no plain file")
        self.moved.append(build_id)
        if build_id == "last":
            self.loop.call_soon_threadsafe(self.done.set)


async def test_only_what_has_ended_is_moved():
    places = Places()
    await Settling(Store(), places).sweep()
    assert places.moved == ["ran", "last"]


async def test_a_place_that_is_away_is_tried_again(monkeypatch):
    monkeypatch.setattr(settling, "_PAUSE", 0)
    places = Places()
    places.away = 3
    run = asyncio.create_task(Settling(Store(), places).run())
    await asyncio.wait_for(places.done.wait(), 5)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert places.moved == ["ran", "last"]
