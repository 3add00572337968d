"""A worker that dies, hangs or never starts leaves its host with the truth, and nothing of it is left."""

import asyncio
import contextlib
import os
from pathlib import Path

import psutil

from brignb.controller import hosting, spawning
from brignb.controller.hosting import Died, Order, host
from brignb.controller.spawning import spawn
from brignb.model.assignment import Assignment
from brignb.model.events import Event

EVENT = Event(id="E", type="push", source="github", project="o/r", build_id="B")


class Quiet:
    """Hears nothing."""

    async def first_cell(self):
        return None

    async def emit(self, _type, _payload):
        return {}

    async def job(self, _job):
        return None

    def news(self, _stream):
        return None


def assignment(folder: Path) -> Assignment:
    (folder / "work").mkdir()
    return Assignment(
        build_id="01JZZZZZZZZZZZZZZZZZZZZZZZ",
        attempt=1,
        created_ms=1,
        project={},
        event=EVENT,
        builds=str(folder / "builds"),
        work=str(folder / "work"),
    )


async def hosted(folder: Path, order: Order, seconds: float = 60) -> tuple[object, int]:
    worker = await spawn(None, folder)
    ended = await host(worker, assignment(folder), {"S": "value"}, listener=Quiet(), order=order, seconds=seconds)
    return ended, worker.pid


async def test_a_worker_that_cannot_work_dies_with_its_last_words(tmp_path):
    """The assignment's project is empty: the worker raises before it has a notebook."""
    ended, _pid = await hosted(tmp_path, Order())
    assert isinstance(ended, Died)
    assert ended.exit_code == 1
    assert "Error" in ended.words


async def test_a_worker_that_does_not_end_is_killed_after_its_grace(tmp_path, monkeypatch):
    """It never listens to its control socket: only a kill ends it, and nobody of its group is left."""
    monkeypatch.setattr(hosting, "GRACE", 0.2)
    monkeypatch.setattr(spawning.sys, "executable", str(stubborn(tmp_path)))
    order = Order()
    asyncio.get_running_loop().call_later(0.2, order.cancel, "canceled")
    ended, pid = await hosted(tmp_path, order)
    assert isinstance(ended, Died)
    assert ended.exit_code == 137
    assert living(pid) == []


def living(group: int) -> list[int]:
    """Processes of a group; one that nobody has waited for yet is dead all the same."""
    found = []
    for process in psutil.process_iter(["status"]):
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            if os.getpgid(process.pid) == group and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found


def stubborn(folder: Path) -> Path:
    """A program that ignores everything and has a child."""
    program = folder / "stubborn"
    program.write_text("#!/bin/sh\ntrap '' TERM INT\nsleep 600 &\nwait\nsleep 600\n")
    program.chmod(0o755)
    return program


def test_secrets_go_through_a_pipe_where_there_is_no_memfd(monkeypatch):
    """macOS, for authoring: more than a pipe holds at once, and nobody waits."""
    monkeypatch.delattr(os, "memfd_create")
    data = b"x" * 300_000
    with os.fdopen(hosting._in_memory(data), "rb") as memory:
        assert memory.read() == data
