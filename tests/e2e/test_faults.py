"""SIGTERM and SIGKILL of workers and zygotes at random moments, under load: nothing stays stuck, nothing is doubled, nothing is left over.

`BRIGNB_FAULTS=500 pytest -m slow tests/e2e/test_faults.py` for a long one; the server's own deaths are `test_soak.py`'s.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter

import psutil
import pytest
from e2e.witness import Witness

pytestmark = pytest.mark.slow
FAULTS = int(os.environ.get("BRIGNB_FAULTS", "40"))
SEED = 20261124


def victims(server) -> list[psutil.Process]:
    """Zygotes and workers, spare ones too: whatever python runs below the server, but not the namespaces' first processes."""
    below = psutil.Process(server.process.pid).children(recursive=True)
    found = []
    for process in below:
        try:
            if any("brignb.wiring.warm" in word for word in process.cmdline()):
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


def test_workers_and_zygotes_die_at_random_and_every_build_is_told_truly(own_server, repository, pipeline):
    choose = random.Random(SEED)
    own_server.create(pipeline.file("tests/faults", repository.url))
    builds: list[str] = []
    died = 0
    with Witness() as witness:
        commit = repository.commit(pipeline.notebook("print('first')", witness.cell, "print('last')"))
        number = 0
        while died < FAULTS:
            number += 1
            builds.append(own_server.push("tests/faults", commit, number=number).json()["build"])
            if number % 2 == 0 and (alive := victims(own_server)):
                time.sleep(choose.uniform(0, 0.03))  # another moment of some build's life each time
                try:
                    choose.choice(alive).send_signal(choose.choice([signal.SIGTERM, signal.SIGKILL]))
                    died += 1
                except psutil.NoSuchProcess:
                    continue
        facts = {build: own_server.ended(build) for build in builds}
    ended, began = witness.counts("ended"), witness.counts("began")
    states = Counter(build["state"] for build in facts.values())
    assert set(states) <= {"succeeded", "lost"}, states
    assert states["succeeded"] > 0
    for build, fact in facts.items():
        status = [
            cell["metadata"].get("brignb", {}).get("status")
            for cell in own_server.record(build)["cells"]
            if cell["cell_type"] == "code"
        ]
        assert not {"running", "pending", None} & set(status), (build, status)
        if fact["state"] == "succeeded":
            assert (ended[build], status) == (1, ["completed"] * 3)
        else:
            assert began[build] <= 1
    server = psutil.Process(own_server.process.pid)
    deadline = time.monotonic() + 20
    while [p for p in server.children(recursive=True) if p.status() == psutil.STATUS_ZOMBIE]:
        assert time.monotonic() < deadline, "a zombie stays"
    assert own_server.http.get("/api/builds", params={"state": "running"}).json()["items"] == []
