"""What asks a server: inbox, builds, a build, replay; from a real one, whose builds the test plays."""

from __future__ import annotations

import asyncio
import json

import pytest

from brignb import Event, events
from brignb.errors import NotFound
from brignb.magics import build, builds, fire, inbox, replay
from brignb.model.builds import State
from brignb.model.names import new_id


def bundle(shown) -> dict[str, str]:
    return shown._repr_mimebundle_()


async def record(site, build_id: str, cells: list[dict]) -> None:
    from brignb.archive.seam import RECORD

    body = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    site.archive.put(build_id, RECORD, json.dumps(body).encode())


def cell(source: str, status: str, begin: str | None, end: str | None, tags=()) -> dict:
    ran = {"start_time": begin, "end_time": end, "duration": 0.25 if end else None}
    return {
        "cell_type": "code",
        "source": source,
        "outputs": [],
        "metadata": {"tags": list(tags), "papermill": ran, "brignb": {"status": status}},
    }


def kept(kind: str) -> list[Event]:
    """What a handler of that type has seen."""
    seen: list[Event] = []

    @events.on(kind)
    def keep(event: Event) -> None:
        seen.append(event)

    return seen


async def test_a_build_with_everything(here, session) -> None:
    """Event, cells, jobs, time line, and the commands that look further."""
    await here.create()
    build_id = await here.running()
    await here.job(build_id, "test")
    begin, end = "2026-01-01T00:00:00.100000+00:00", "2026-01-01T00:00:00.350000+00:00"
    await record(
        here,
        build_id,
        [
            {"cell_type": "markdown", "source": "# title", "metadata": {}},
            cell("x = '<script>'", "completed", begin, end),
            cell("push(event)", "failed", begin, end, ["event"]),
            cell("late()", "never-run", None, None),
        ],
    )
    view = await asyncio.to_thread(build, build_id)
    shown = await asyncio.to_thread(bundle, view)
    for text in shown.values():
        assert all(word in text for word in (build_id, "push from api", "running", "test", "never-run", "event: push"))
        assert f"brignb build logs {build_id} -f" in text
    assert "time line" in shown["text/html"]
    assert "<script" not in shown["text/html"]
    await here.end(build_id, State.FAILED, reason="cell_error", message="cell 3: <b>no</b>")
    ended = await asyncio.to_thread(bundle, view)
    assert "cell_error: cell 3: <b>no</b>" in ended["text/plain"]
    assert "<b>no</b>" not in ended["text/html"]
    assert view.state == "failed"


async def test_a_build_is_shown_as_it_was_when_the_server_is_gone(here, session, monkeypatch) -> None:
    """Display never raises; the one line says why nothing is new."""
    await here.create()
    build_id = await here.raised()
    view = await asyncio.to_thread(build, build_id)
    listed = await asyncio.to_thread(builds)
    box = await asyncio.to_thread(inbox)
    monkeypatch.setenv("BRIGNB_SERVER", "http://127.0.0.1:9")
    for shown in (view, listed, box):
        for text in (await asyncio.to_thread(bundle, shown)).values():
            assert "nobody answers there" in text
    assert build_id in bundle(view)["text/plain"]


async def test_builds_are_asked_for_anew(here) -> None:
    """A list that is displayed again is the list of now."""
    await here.create()
    listed = await asyncio.to_thread(builds, state="pending")
    assert len(listed) == 0
    assert bundle_text(await asyncio.to_thread(bundle, listed)) == "no builds"
    build_id = await here.raised()
    assert build_id in bundle_text(await asyncio.to_thread(bundle, listed))
    assert [each["id"] for each in listed] == [build_id]
    with pytest.raises(NotFound):
        await asyncio.to_thread(builds, project="no/body")


def bundle_text(shown: dict[str, str]) -> str:
    return shown["text/plain"]


async def test_inbox_lists_newest_first_with_states(here) -> None:
    """Each event with how its build is; filtered by what a handler of a type would answer."""
    await here.create()
    first = await here.raised(type="pull_request:opened")
    second = await here.raised(type="push")
    await here.store.claim(at=here.services.now_ms(), limit=1)
    box = await asyncio.to_thread(inbox)
    assert [(each.event.type, each.state) for each in box.entries] == [
        ("push", "pending"),
        ("pull_request:opened", "running"),
    ]
    assert [each.event.build_id for each in box.matching("PULL running")] == [first]
    assert box.matching("nothing") == []
    some = await asyncio.to_thread(inbox, "pull_request", limit=5)
    assert [each.event.build_id for each in some.entries] == [first]
    assert len(await asyncio.to_thread(inbox, limit=1)) == 1
    rerun = await asyncio.to_thread(box.rerun, box.entries[0].event)
    assert rerun != second
    text = bundle_text(box._still(""))
    assert "%brig fire --event" in text


async def test_replay_and_fire_a_stored_event(here, session) -> None:
    """The handlers see it as it was: id, source, payload, revision; the build is this kernel's."""
    seen = kept("push")
    await here.create()
    build_id = await here.raised(payload={"n": 1}, revision={"ref": "refs/heads/x"})
    event_id = (await here.user.get(f"/api/builds/{build_id}")).json()["event"]["id"]
    await (await asyncio.to_thread(replay, build_id))
    await (await asyncio.to_thread(fire, event=event_id))
    for event in seen:
        assert (event.id, event.type, event.source) == (event_id, "push", "api")
        assert (event.data, event.revision.ref, event.project) == ({"n": 1}, "refs/heads/x", "owner/repo")
        assert event.build_id == session.build_id
    assert len(seen) == 2


async def test_what_is_given_besides_wins(here, session) -> None:
    """`%brig fire TYPE --event ID --payload …`: the stored event, but for that."""
    seen = kept("tag")
    await here.create()
    build_id = await here.raised(payload={"n": 1})
    event_id = (await here.user.get(f"/api/builds/{build_id}")).json()["event"]["id"]
    await (await asyncio.to_thread(lambda: fire("tag", {"n": 2}, event=event_id, ref="v1")))
    assert (seen[0].id, seen[0].type, seen[0].data, seen[0].revision.ref) == (event_id, "tag", {"n": 2}, "v1")


async def test_unknown_ids_and_wrong_token_are_one_line(here, typed, monkeypatch) -> None:
    """As a magic says it."""
    unknown = new_id(1, b"0123456789")
    for cell_ in (f"%brig replay {unknown}", f"%brig build {unknown}", f"%brig fire --event {unknown}"):
        said = await asyncio.to_thread(typed.wrong, cell_)
        assert unknown in said
        assert "\n" not in said
    monkeypatch.setenv("BRIGNB_TOKEN", "wrong")
    said = await asyncio.to_thread(typed.wrong, "%brig inbox")
    assert "BRIGNB_TOKEN" in said
    assert "\n" not in said


async def test_listen_says_what_is_wrong_in_one_line(here, typed) -> None:
    """It is awaited when the server says that it knows no such project."""
    typed.run("@events.on('push')\ndef f(): ...")
    said = await asyncio.to_thread(typed.wrong, "%brig listen --project no/body --for 1s")
    assert "no/body" in said
    assert "\n" not in said


async def test_debug_of_what_still_runs(here, typed, tmp_path, monkeypatch) -> None:
    """There is nothing to debug yet."""
    monkeypatch.chdir(tmp_path)
    await here.create()
    build_id = await here.raised()
    assert "pending" in await asyncio.to_thread(typed.wrong, f"%brig debug {build_id}")
