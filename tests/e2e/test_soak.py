"""Random `kill -9` of the server while events come in: what was acknowledged ends once, and truthfully."""

import random
import signal
import threading
from collections import Counter

import httpx
import pytest
from e2e.witness import Witness

pytestmark = pytest.mark.slow

ROUNDS = 8
SEED = 20261


@pytest.mark.parametrize("own_server", ["sqlite", "postgresql"], indirect=True)
def test_no_acknowledged_event_is_lost_and_none_succeeds_twice(own_server, repository, pipeline):
    choose = random.Random(SEED)
    own_server.create(pipeline.file("tests/soak", repository.url))
    accepted = []
    with Witness() as witness:
        commit = repository.commit(pipeline.notebook(witness.cell))
        for round_number in range(ROUNDS):
            killer = threading.Timer(choose.uniform(0.05, 1.5), own_server.process.kill)
            killer.start()
            for number in range(30):
                try:
                    answer = own_server.push("tests/soak", commit, number=100 * round_number + number)
                except httpx.TransportError:  # it was killed; whether it took this one, nobody can say
                    break
                accepted.append(answer.json()["build"])
            killer.join()
            own_server.stop(signal.SIGKILL)
            own_server.start()
        builds = {build: own_server.ended(build) for build in accepted}

    states = Counter(build["state"] for build in builds.values())
    began, ended = witness.counts("began"), witness.counts("ended")
    assert set(states) <= {"succeeded", "lost"}, states
    assert states["succeeded"] >= len(accepted) // 2, (
        "most builds had not begun when the server died, and ran afterwards"
    )
    for build, facts in builds.items():
        if facts["state"] == "succeeded":
            assert ended[build] == 1, f"{build} came to its end {ended[build]} times"
        else:
            # It was noted that its cell begins; the kill may have come before the cell's first line did.
            assert began[build] <= 1, f"{build} is lost, so its cell had begun only once"
    assert own_server.http.get("/api/builds", params={"state": "running"}).json()["items"] == []
    assert own_server.http.get("/api/builds", params={"state": "pending"}).json()["items"] == []
