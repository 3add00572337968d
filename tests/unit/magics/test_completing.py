"""Completion, as a kernel asks for it: words, and the things they speak of."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from brignb.magics import completing
from brignb.magics.asking import PATIENCE, Answers
from brignb.magics.commands import COMMANDS


@pytest.fixture(autouse=True)
def _forgetful(monkeypatch) -> None:
    monkeypatch.setattr(completing, "answers", Answers())


@pytest.mark.parametrize(
    ("line", "has"),
    [
        ("%brig ", {f"%brig {name}" for name in COMMANDS}),
        ("%brig fi", {"%brig fire"}),
        ("%brig fire pus", {"%brig fire push"}),
        ("%brig fire my", {"%brig fire my.type", "%brig fire my:type"}),
        ("%brig fire my:ty", {"%brig fire my:type"}),
        ("%brig fire pull_request:op", {"%brig fire pull_request:opened"}),
        ("%brig fire push --pa", {"%brig fire push --payload"}),
        ("%brig fire push --payload ./", {"%brig fire push --payload ./push.json", "%brig fire push --payload ./sub/"}),
        ("%brig fire push --payload=./pu", {"%brig fire push --payload=./push.json"}),
        ("%brig fire push --payload giv", {"%brig fire push --payload given"}),
        ("%brig builds --state f", {"%brig builds --state failed"}),
        ("%brig builds --state=f", {"%brig builds --state=failed"}),
        ("%brig help %%j", {"%brig help %%job"}),
        ("%brig check --notebook n", {"%brig check --notebook note.ipynb"}),
        ("%%job test --ne", {"%%job test --needs"}),
        ("%%job test --needs ", {"%%job test --needs build-image"}),
        ("%%job test --needs build-i", {"%%job test --needs build-image"}),
        ("%%job test --env giv", {"%%job test --env given"}),
        ("%%job test --secret T", {"%%job test --secret TOKEN"}),
    ],
)
def test_completed(typed, tmp_path, monkeypatch, line, has) -> None:
    """Commands, options, types, files, variables, states, jobs, secrets' names."""
    monkeypatch.chdir(tmp_path)
    for name in ("push.json", "other.txt", "note.ipynb", "sub/inner.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    typed.run("@events.on('my:type', 'my.type')\ndef f(): ...\nbuild_image = Job('build-image')\ngiven = 1")
    assert has <= set(typed.completed(line))


def test_an_option_that_stands_is_not_offered_again(typed) -> None:
    """Only what may come several times is."""
    assert "%%job x --timeout 3 --timeout" not in typed.completed("%%job x --timeout 3 --t")
    assert "%%job x --env A=1 --env" in typed.completed("%%job x --env A=1 --en")


async def test_ids_come_from_the_server(typed, here) -> None:
    """Nobody types a ULID."""
    await here.create()
    build = await here.raised()
    found = await asyncio.to_thread(typed.completed, "%brig build ")
    assert f"%brig build {build}" in found
    event = (await here.user.get("/api/events")).json()["items"][0]["id"]
    assert f"%brig fire --event {event}" in await asyncio.to_thread(typed.completed, "%brig fire --event 0")
    assert "%brig inbox --project owner/repo" in await asyncio.to_thread(typed.completed, "%brig inbox --project own")


def test_no_server_no_ids(typed, nowhere) -> None:
    """And no error in the author's line."""
    assert not [each for each in typed.completed("%brig build 0") if each.startswith("%brig build 0")]


def test_a_slow_server_is_not_waited_for() -> None:
    """What comes too late is there for the next completion."""
    answers, gate, asked = Answers(), threading.Event(), []

    def ask() -> list[str]:
        asked.append(threading.current_thread())
        gate.wait(10)
        return ["01X"]

    began = time.monotonic()
    assert answers.get("build", ask) == []
    assert answers.get("build", ask) == []
    assert time.monotonic() - began < 5 + 2 * PATIENCE  # generous: what must not happen is waiting for the gate
    gate.set()
    asked[0].join(10)
    assert answers.get("build", ask) == ["01X"]
    assert len(asked) == 1
