"""Builds of workers elsewhere (`brignb worker`, as a worker pod runs it), beside builds of the server's own workers, in one run."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from brignb.model.tokens import Tokens
from brignb.store.sealing import load_key
from tests.bench.serving import Server, first_line_of, line
from tests.bench.warm import spread

PROJECT = "bench/bench"


def started(server: Server, folder: Path, token: str, *args: str) -> subprocess.Popen[bytes]:
    """A worker of that token."""
    file = folder / "token"
    file.write_text(token)
    argv = [sys.executable, "-m", "brignb", "worker", "--server", str(server.http.base_url), "--token-file", file]
    return subprocess.Popen([*argv, "--work", folder / "work", "--name", "bench", *args], stderr=subprocess.DEVNULL)


def raised(server: Server) -> tuple[str, int]:
    """A build's id, and when its event was accepted."""
    answer = server.http.post(f"/api/projects/{PROJECT}/events", json={"type": "push"})
    return answer.raise_for_status().json()["build"], time.monotonic_ns()


def first(server: Server, build: str, accepted: int) -> tuple[float, float]:
    """Milliseconds to the first line, and until a follower of the log has seen it."""
    with server.http.stream("GET", f"/api/builds/{build}/logs", params={"follow": "1"}) as log:
        lines = log.iter_lines()
        seen = next(time.monotonic_ns() for text in lines if "at " in text)
        for _ in lines:
            pass
    record = json.loads(server.http.get(f"/api/builds/{build}/record").content)
    return (first_line_of(record) - accepted) / 1e6, (seen - accepted) / 1e6


def measured(server: Server, runs: int) -> tuple[list[float], list[float]]:
    """The two, of events that come one by one."""
    for _ in range(5):
        first(server, *raised(server))
    pairs = []
    for _ in range(runs):
        time.sleep(0.1)
        pairs.append(first(server, *raised(server)))
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def bench_away(runs: int = 40, colds: int = 8) -> None:
    """Warm and cold."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        near, far = Server(folder / "near"), Server(folder / "far", "--workers", "0")
        tokens = Tokens(load_key(far.home / "key"))
        warm = started(far, folder, tokens.pool(PROJECT))
        (theirs, theirs_seen), (ours, ours_seen) = measured(near, runs), measured(far, runs)
        warm.terminate()
        warm.wait()
        for what, mine, peer in (
            ("event accepted → first user line, warm worker elsewhere", ours, theirs),
            ("  → seen by a follower of the log", ours_seen, theirs_seen),
        ):
            ratio = statistics.median(mine) / statistics.median(peer)
            line(what, spread(mine), f"{statistics.median(peer):.1f} ms the server's own", f"{ratio:.1f}x")
        line("cold worker: process started → first user line", spread(_cold(far, folder, colds)), "", "")
        for server in (near, far):
            server.stop()


def _cold(server: Server, folder: Path, runs: int) -> list[float]:
    """Each claims by hand what a controller would claim for its pod."""
    token = Tokens(load_key(server.home / "key")).pool(PROJECT)
    took = []
    for _ in range(runs):
        build, _accepted = raised(server)
        url = f"{server.http.base_url}/api/worker/next"
        offer = httpx.post(url, json={"worker": "bench"}, headers={"authorization": f"Bearer {token}"}).json()
        begun = time.monotonic_ns()
        worker = started(server, folder, offer["token"])
        took.append(first(server, build, begun)[0])
        worker.wait()
    return took
