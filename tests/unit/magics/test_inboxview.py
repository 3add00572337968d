"""The live inbox: what its fields and buttons do."""

from __future__ import annotations

import asyncio

import pytest
from buttons import enabled

from brignb import events
from brignb.magics import inbox
from brignb.magics.inboxview import _View


@pytest.fixture
async def view(here, typed):
    """Of two events; the widgets' callbacks ask the server from a thread of their own, since it lives on this loop."""
    await here.create()
    await here.raised(type="tag", payload={"name": "<script>alert(1)</script>"})
    await here.raised(type="push", payload={"hook": "s3cr3t-token-value"})
    return await asyncio.to_thread(lambda: _View(inbox(), ""))


async def test_choosing_shows_the_payload_inert_and_redacted(view) -> None:
    """A payload is a stranger's text, and may hold what the author's project calls secret."""
    assert [label.split(" · ")[0] for label, _ in view._list.options] == ["push", "tag"]
    assert "REDACTED" in view._payload.value
    await asyncio.to_thread(setattr, view._list, "value", view._list.options[1][1])
    assert "alert(1)" in view._payload.value
    assert "<script" not in view._payload.value


async def test_filter(view) -> None:
    """Every word must be found somewhere."""
    await asyncio.to_thread(setattr, view._filter, "value", "TAG pending")
    assert len(view._list.options) == 1
    await asyncio.to_thread(setattr, view._filter, "value", "nothing")
    assert view._list.options == ()
    assert view._fires.disabled
    assert view._reruns.disabled


async def test_run_again_there(view, here) -> None:
    """A new build of the same event, on the server."""
    await asyncio.to_thread(view._reruns.click)
    assert "the server runs it again: build" in view._status.value
    assert len((await here.user.get("/api/builds")).json()["items"]) == 3


async def test_fire_here(view, typed, monkeypatch) -> None:
    """The handlers of this kernel, for the event as it came."""
    seen = []
    events.on("push", lambda event: seen.append(event.data))
    stored = await asyncio.to_thread(view._inbox.event, view._event.id)
    monkeypatch.setattr(view._inbox, "event", lambda _id: stored)
    view._fires.click()
    await enabled(view._fires)
    assert seen == [{"hook": "s3cr3t-token-value"}]
    assert "succeeded" in view._status.value


async def test_server_gone_is_said_and_work_goes_on(view, monkeypatch) -> None:
    """One line; the list stays."""
    monkeypatch.setenv("BRIGNB_SERVER", "http://127.0.0.1:9")
    await asyncio.to_thread(view._again.click)
    assert "nobody answers there" in view._status.value
    assert len(view._list.options) == 2
