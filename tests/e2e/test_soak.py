"""Random `kill -9` of the server while events come in: what was acknowledged ends once, and truthfully."""

import random
import signal
import socketserver
import threading
from collections import Counter

import httpx
import pytest

pytestmark = pytest.mark.slow

ROUNDS = 8
SEED = 20261


class Witness:
    """Hears from cells, over loopback, that they began and that they came to their end."""

    def __enter__(self):
        heard = self.heard = []

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                heard.extend(line.decode().split() for line in self.rfile)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def cell(self) -> str:
        return (
            "import socket\n"
            f"witness = socket.create_connection({self._server.server_address!r})\n"
            "witness.sendall(f'began {event.build_id}\\n'.encode())\n"
            "witness.sendall(f'ended {event.build_id}\\n'.encode())\n"
            "witness.close()"
        )

    def counts(self, word: str) -> Counter[str]:
        return Counter(build for said, build in self.heard if said == word)


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
