"""Notebooks that listen, over HTTP: what they take, what becomes of it when they die, and that nobody else is heard about it."""

import asyncio
import json
import threading

import pytest

from brignb.api.listenershapes import ListenerShape, OfferShape, RenewedShape
from brignb.archive.seam import WORKER
from brignb.model.builds import State
from brignb.model.logs import LogLine
from brignb.store.seam import Wanted

NOTEBOOK = {
    "cells": [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": "here"}],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 5,
}


class Kernel:
    """A notebook that listens, as its server sees it."""

    def __init__(self, site, listener):
        self.site = site
        self.path = f"/api/listeners/{listener}"

    async def next(self, seconds=0):
        answer = await self.site.user.post(f"{self.path}/next?seconds={seconds}")
        assert answer.status_code in {200, 204}, answer.text
        return answer.json() if answer.status_code == 200 else None

    async def say(self, offer, word, **facts):
        return await self.site.user.post(
            f"{self.path}/builds/{offer['build']}/{word}", json={"attempt": offer["attempt"], **facts}
        )

    async def append(self, offer, stream, offset, data):
        path = f"{self.path}/builds/{offer['build']}/streams/{stream}?attempt={offer['attempt']}&offset={offset}"
        return await self.site.user.post(path, content=data)

    async def renew(self):
        answer = await self.site.user.post(self.path)
        RenewedShape.model_validate(answer.json())
        return answer.json()


@pytest.fixture
async def project(site):
    await site.create(retries=0)
    return site


async def listening(site, *types):
    answer = await site.user.post("/api/projects/owner/repo/listeners", json={"types": types})
    assert answer.status_code == 201, answer.text
    ListenerShape.model_validate(answer.json())
    return Kernel(site, answer.json()["id"])


async def test_the_whole_way_of_a_build_through_a_notebook(project):
    """What `build get`, `logs` and `record` tell of it is what the kernel said."""
    kernel = await listening(project, "push")
    waiting = asyncio.create_task(kernel.next(4))
    build = await project.raised(payload='{"n": 1}')
    offer = await waiting
    OfferShape.model_validate(offer)
    assert (offer["build"], offer["attempt"], offer["event"]["payload"]) == (build, 1, '{"n": 1}')
    assert (await kernel.next())["build"] == build, "an answer that got lost is answered again"

    assert (await kernel.say(offer, "started", notebook=NOTEBOOK)).json() == {"worker": 0, "journal": 0}
    line = LogLine(1, "stdout", "from the handler").encode()
    for _ in range(2):  # sent twice, it is there once
        assert (await kernel.append(offer, WORKER, 0, line)).status_code == 204
    begun = {"op": "begin", "cell": 1, "at": 1, "count": 1, "source": "push(event)", "tags": ["event"]}
    entries = [
        {"op": "start", "at": 1},
        begun,
        {"op": "end", "cell": 1, "at": 2, "seconds": 0.1, "status": "completed"},
    ]
    journal = b"".join(json.dumps(entry).encode() + b"\n" for entry in entries)
    assert (await kernel.append(offer, "journal", 0, journal)).status_code == 204
    job = f"test-{build.lower()}"
    for state in ("running", "succeeded"):
        assert (await kernel.say(offer, "jobs", id=job, name="test", state=state)).status_code == 204
    emitted = await kernel.say(offer, "events", type="deployed", payload="{}")
    for _ in range(2):  # the same: an answer may get lost
        assert (await kernel.say(offer, "finished", state="succeeded")).status_code == 204

    told = (await project.user.get(f"/api/builds/{build}")).json()
    assert (told["state"], told["worker"], told["jobs"][0]["state"]) == ("succeeded", {"tier": "notebook"}, "succeeded")
    assert (await project.user.get(f"/api/builds/{build}/logs")).text == "worker | from the handler\n"
    record = json.loads(project.archive.get(build, "record.ipynb"))
    assert [cell["source"] for cell in record["cells"]] == ["here", "push(event)"]
    raised = (await project.user.get(f"/api/events/{emitted.json()['event']}")).json()
    assert (raised["type"], raised["source"], raised["cause"]["build"]) == ("deployed", "brignb", build)
    assert await kernel.next() is None


async def test_what_a_notebook_takes_is_not_for_workers_until_it_ends(project):
    kernel = await listening(project, "push")
    push, tag = await project.raised(), await project.raised(type="tag")
    but = project.services.notebooks.wanted()
    assert but == [Wanted("owner/repo", ("push",))]
    assert [each.id for each in await project.store.claim(at=1, limit=9, but=but)] == [tag]
    project.woken.clear()
    assert (await project.user.delete(kernel.path)).status_code == 204
    assert project.services.notebooks.wanted() == []
    assert [each.id for each in await project.store.claim(at=1, limit=9)] == [push]


@pytest.mark.slow
async def test_two_share_and_never_double(project):
    kernels = [await listening(project) for _ in range(2)]
    builds = {await project.raised() for _ in range(6)}

    async def take_all(kernel):
        taken = []
        while offer := await kernel.next():
            await kernel.say(offer, "started", notebook=NOTEBOOK)
            assert (await kernel.say(offer, "finished", state="succeeded")).status_code == 204
            taken.append(offer["build"])
        return taken

    first, second = await asyncio.gather(*map(take_all, kernels))
    assert sorted(first + second) == sorted(builds)


@pytest.mark.parametrize(("begun", "state", "attempt"), [(False, "pending", 2), (True, "lost", 1)])
async def test_a_notebook_that_ends_with_a_build_in_its_hands(project, refused, begun, state, attempt):
    """The contract's "The same for an event that a notebook took"; afterwards nothing that it says is heard."""
    kernel = await listening(project)
    build = await project.raised()
    offer = await kernel.next()
    if begun:
        await kernel.say(offer, "started", notebook=NOTEBOOK)
    await project.user.delete(kernel.path)
    told = (await project.user.get(f"/api/builds/{build}")).json()
    assert (told["state"], told["attempt"]) == (state, attempt)
    assert refused(await kernel.say(offer, "finished", state="succeeded"), 404)["hint"]
    other = await listening(project)
    refused(await other.say(offer, "finished", state="succeeded"), 409)
    again = await other.next()
    assert (again and again["attempt"]) == (None if begun else 2)


async def test_what_is_being_written_is_written_before_somebody_else_has_the_build(project, monkeypatch):
    """Else the bytes of a kernel whose lease is over land in the log of the next attempt."""
    kernel = await listening(project)
    await project.raised()
    offer = await kernel.next()
    writing, go_on = threading.Event(), threading.Event()
    archive = project.services.archive
    append = archive.append

    def slow(*words):
        writing.set()
        go_on.wait(10)
        return append(*words)

    monkeypatch.setattr(archive, "append", slow)
    appended = asyncio.create_task(kernel.append(offer, WORKER, 0, b"x"))
    await asyncio.to_thread(writing.wait, 10)
    ended = asyncio.create_task(project.user.delete(kernel.path))
    others = await listening(project)
    assert await others.next(0.3) is None
    go_on.set()
    assert (await appended).status_code == 204
    await ended
    assert (await others.next(4))["attempt"] == 2


async def test_silence_ends_a_lease(site_with, services):
    """A killed kernel says nothing: its build is queued again when its lease is over, and somebody who waits gets it."""
    async with site_with() as site:
        await site.create()
        dead, alive = await listening(site), await listening(site)
        build = await site.raised()
        lease, services.notebooks.seconds = services.notebooks.seconds, 0.2
        assert (await dead.next())["build"] == build  # its last word
        services.notebooks.seconds = lease
        taken = await alive.next(4)
        assert (taken["build"], taken["attempt"]) == (build, 2)
        assert (await site.user.post(dead.path)).status_code == 404


async def test_a_cancel_is_told_to_the_notebook(project):
    kernel = await listening(project)
    build = await project.raised()
    offer = await kernel.next()
    await kernel.say(offer, "started", notebook=NOTEBOOK)
    assert (await kernel.renew())["held"] == {"build": build, "attempt": 1, "cancel": False}
    await project.user.post(f"/api/builds/{build}/cancel")
    assert (await kernel.renew())["held"]["cancel"]
    await kernel.say(offer, "finished", state="canceled", reason="canceled")
    assert (await project.store.build(build)).state is State.CANCELED
    assert (await kernel.renew())["held"] is None


async def test_what_dies_canceled_is_canceled(project):
    """Not queued again, not lost: somebody wanted its end."""
    kernel = await listening(project)
    build = await project.raised()
    await kernel.next()
    await project.user.post(f"/api/builds/{build}/cancel")
    await project.user.delete(kernel.path)
    assert (await project.store.build(build)).state is State.CANCELED


async def test_who_hung_up_is_given_nothing(project):
    """A kernel that is gone while it waits must not take a build with it."""
    kernel = await listening(project)
    reader, writer = await asyncio.open_connection(*project.address)
    head = f"POST {kernel.path}/next HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {project.services.token}\r\n"
    writer.write(f"{head}Content-Length: 0\r\n\r\n".encode())
    await writer.drain()
    lease = project.services.notebooks._leases[kernel.path.rpartition("/")[2]]
    async with asyncio.timeout(5):
        while not lease.turn.locked():  # noqa: ASYNC110 - the server has no event for "it waits now"
            await asyncio.sleep(0.005)
        writer.close()
        while lease.turn.locked():  # noqa: ASYNC110 - nor for "it waits no more"
            await asyncio.sleep(0.005)
    await project.raised()
    assert lease.held is None
    assert reader.at_eof() or await reader.read() == b""


async def test_bad_words_are_told(project, refused):
    kernel = await listening(project)
    await project.raised()
    offer = await kernel.next()
    refused(await project.user.post("/api/projects/no/body/listeners", json={}), 404)
    assert refused(await project.user.post("/api/projects/owner/repo/listeners", json={"types": ["a b"]}), 400)
    assert refused(await kernel.say(offer, "finished", state="lost"), 400)["where"] == "state"
    assert refused(await kernel.say(offer, "jobs", id="../x", name="x", state="running"), 400)["where"] == "id"
    job = {"id": "a-01jv3zq8m4t7y2k9r5w6x0abcd", "name": "a", "state": "failed"}
    for name, value in (("name", "b"), ("started_at", -(10**18)), ("finished_at", 10**18), ("exit_code", 10**30)):
        assert refused(await kernel.say(offer, "jobs", **{**job, name: value}), 400)["where"] == name
    assert (await project.user.get(f"/api/builds/{offer['build']}")).json()["jobs"] == []
    refused(await kernel.say({**offer, "attempt": 2}, "started", notebook=NOTEBOOK), 409)
    refused(await kernel.append(offer, "../key", 0, b"x"), 404)
    refused(await kernel.append(offer, "worker.ipynb", 0, b"x"), 400)
    refused(await kernel.append(offer, WORKER, 5, b"x"), 400)
