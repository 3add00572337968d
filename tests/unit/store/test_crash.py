"""kill -9 at any moment: what was acknowledged is there afterwards, whole."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from brignb.model.builds import State

VICTIM = """
import asyncio, sys
from brignb.model.builds import Outcome, State
from brignb.model.events import DedupeKey, Draft
from brignb.model.projects import Project
from brignb.model.names import new_id
from brignb.store.sealing import Sealer
from brignb.store.seam import Accept
from brignb.store.sql import SqlStore

def say(*words):
    sys.stdout.write(" ".join(words) + "\\n")
    sys.stdout.flush()

async def deliver(store, caller):
    for n in range(caller, 10**6, 16):
        key = DedupeKey("delivery", str(n), 10**9)
        draft = Draft(gateway="github", source="github", type="push", payload=f"{n} " + "x" * 10_000, keys=(key,))
        ids = [new_id(1_000, kind + n.to_bytes(9, "big")) for kind in (b"e", b"b")]
        (accepted,) = await store.accept([Accept(project="a/b", draft=draft, event_id=ids[0], build_id=ids[1], at=1_000)])
        say("accepted", accepted.build_id, accepted.event_id, str(n))

async def work(store):
    while True:
        for build in await store.claim(at=2_000, limit=3):
            if await store.finish(build.id, attempt=1, outcome=Outcome(state=State.SUCCEEDED), at=3_000):
                say("finished", build.id)

async def main(url):
    store = SqlStore(url, Sealer(b"k" * 32))
    await store.open()
    await store.put_project(Project(name="a/b"), at=1, replace=True)
    await asyncio.gather(work(store), *(deliver(store, caller) for caller in range(16)))

asyncio.run(main(sys.argv[1]))
"""


@pytest.mark.slow
async def test_what_was_acknowledged_survives_a_kill(database, make_store):
    """Five times on one database, so that each start also stands on what the kill before has left."""
    told: dict[str, list[list[str]]] = {"accepted": [], "finished": []}
    for patience in (1, 30, 300, 900, 1_500):
        for word, *facts in said_before_death(database, patience):
            told[word].append(facts)
        await compare(make_store(), told)
    assert len(told["finished"]) > 1


def said_before_death(database, patience):
    """Everything that the victim has said; it is killed once it has said so many lines."""
    command = [sys.executable, "-c", VICTIM, f"sqlite:///{database}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as victim:
        lines = [victim.stdout.readline() for _ in range(patience)]
        victim.send_signal(signal.SIGKILL)
        lines += victim.stdout.readlines()
    assert victim.returncode == -signal.SIGKILL, "it was alive until then"
    return [line.split() for line in lines if line.endswith("\n")]


async def compare(store, told):
    await store.open()
    whole = await store._database.read(lambda connection: connection.exec_driver_sql("PRAGMA integrity_check").scalar())
    assert whole == "ok"
    for build_id, event_id, number in told["accepted"]:
        assert (await store.build(build_id)).event_id == event_id
        assert (await store.event(event_id)).payload.startswith(f"{number} ")
    for (build_id,) in told["finished"]:
        assert (await store.build(build_id)).state is State.SUCCEEDED
    await store.close()
