"""Warm workers against papermill, in one run: first line, record, throughput, memory, floods, forks.

The peer is papermill's own command line (or `papermill.execute_notebook`) with a fresh ipykernel, on the same notebook.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from tests.bench.serving import NOTEBOOK, Server, first_line_of, line

FLOOD = "for number in range(200_000):\n    print('line', number)"
WIDE = "print('x' * 200_000)"
WAIT = "import threading; print('at', 0, flush=True); threading.Event().wait()"


def spread(values: Sequence[float]) -> str:
    """Median and 95th percentile, in milliseconds."""
    ordered = sorted(values)
    return f"p50 {statistics.median(ordered):.1f}, p95 {ordered[int(len(ordered) * 0.95)]:.1f} ms"


def with_cells(*sources: str, **metadata: Any) -> dict[str, Any]:
    """The bench's notebook with other cells."""
    cells = [{**NOTEBOOK["cells"][1], "id": f"c{n}", "source": source} for n, source in enumerate(sources)]
    return {**NOTEBOOK, "cells": cells, "metadata": {**NOTEBOOK["metadata"], **metadata}}


def papermill(notebook: dict[str, Any], folder: Path) -> tuple[float, float, bool]:
    """Milliseconds to the first line (0: it has none that tells the time) and to the end, by its command line; whether it went well."""
    plain, out = folder / "in.ipynb", folder / "out.ipynb"
    plain.write_text(json.dumps(notebook))
    out.unlink(missing_ok=True)
    begun = time.monotonic_ns()
    done = subprocess.run(
        [sys.executable, "-m", "papermill", plain, out],
        check=False,
        capture_output=True,
        cwd=folder,
        env={**os.environ},
    )
    took = (time.monotonic_ns() - begun) / 1e6
    text = out.read_text()
    first = (first_line_of(json.loads(text)) - begun) / 1e6 if "at " in text else 0.0
    return first, took, done.returncode == 0


def one_build(server: Server, project: str) -> tuple[float, float]:
    """Milliseconds from the answer that it is accepted to the first line, and to the record on the disk."""
    answer = server.http.post(f"/api/projects/{project}/events", json={"type": "push"})
    accepted, wall = time.monotonic_ns(), time.time_ns()
    build = answer.raise_for_status().json()["build"]
    server.http.get(f"/api/builds/{build}/logs", params={"follow": "1"})
    place = server.home / "builds" / build / "record.ipynb"
    record = json.loads(place.read_text())
    return (first_line_of(record) - accepted) / 1e6, (place.stat().st_mtime_ns - wall) / 1e6


def bench_first_line(runs: int = 60, peers: int = 6) -> None:
    """Of the tiers fork and kernel."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = Server(folder / "home")
        server.create("bench/kernel", {**NOTEBOOK, "metadata": {**NOTEBOOK["metadata"], "brignb": {"tier": "kernel"}}})
        theirs = [papermill(NOTEBOOK, folder)[:2] for _ in range(peers)]
        first, whole = (statistics.median(column) for column in zip(*theirs, strict=True))
        for tier, project, count in (("fork", "bench/bench", runs), ("kernel", "bench/kernel", runs // 3)):
            for _ in range(5):
                one_build(server, project)
            ours = []
            for _ in range(count):
                time.sleep(0.1)  # events that come one by one
                ours.append(one_build(server, project))
            lines, records = (list(column) for column in zip(*ours, strict=True))
            ratio = f"{first / statistics.median(lines):.0f}x faster"
            line(f"event accepted → first user line, {tier}", spread(lines), f"{first:.0f} ms papermill", ratio)
            ratio = f"{whole / statistics.median(records):.0f}x faster"
            line("  → record on the disk", spread(records), f"{whole:.0f} ms papermill", ratio)
        server.stop()


def bench_rate(builds: int = 300) -> None:
    """Trivial builds through the whole server, durable and recorded; the client's processor time is not counted."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = Server(folder / "home", "--workers", "4")
        one_build(server, "bench/bench")
        me, busy, begun = psutil.Process(), psutil.cpu_times(), time.perf_counter()
        mine = sum(me.cpu_times()[:2])
        for number in range(builds):
            body = {"type": "push", "payload": {"n": number}}
            server.http.post("/api/projects/bench/bench/events", json=body).raise_for_status()
        memory = server.memory()
        while server.waiting():
            time.sleep(0.2)
            memory = max(memory, server.memory())
        took = time.perf_counter() - begun
        now = psutil.cpu_times()
        spent = sum(now[:3]) - sum(busy[:3]) - (sum(me.cpu_times()[:2]) - mine)
        peer = statistics.median(papermill(NOTEBOOK, folder)[1] for _ in range(4)) / 1000
        line(
            "trivial builds/s, whole server",
            f"{builds / took:.0f}/s",
            f"{1 / peer:.2f}/s papermill",
            f"{builds / took * peer:.0f}x",
        )
        line("  of processor time", f"{builds / spent:.0f}/s and core", f"{spent / builds * 1000:.1f} ms each", "")
        line("  server's memory at its most", f"{memory:.0f} MB", "", "")
        server.stop()


def bench_concurrent(builds: int = 100) -> None:
    """Private memory of builds that run at once."""
    with tempfile.TemporaryDirectory() as name:
        server = Server(Path(name) / "home", "--workers", str(builds))
        server.create("bench/wait", with_cells(WAIT))
        before = psutil.virtual_memory().used
        ids = [
            server.http.post("/api/projects/bench/wait/events", json={"type": "push", "payload": {"n": n}}).json()[
                "build"
            ]
            for n in range(builds)
        ]
        for build in ids:
            with server.http.stream("GET", f"/api/builds/{build}/logs", params={"follow": "1"}) as log:
                next(text for text in log.iter_lines() if "at 0" in text)
        each = (psutil.virtual_memory().used - before) / builds / 1e6
        line(f"memory of a build, {builds} at once", f"{each:.1f} MB", "109 MB papermill and kernel", "")
        server.process.kill()
        server.stop()


def bench_floods() -> None:
    """What papermill is slow at, or fails."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = Server(folder / "home")
        for what, notebook in (
            ("200,000 printed lines in a cell", with_cells(FLOOD)),
            ("100 cells x 200 kB", with_cells(*[WIDE] * 100)),
        ):
            server.create("bench/flood", notebook)
            begun = time.perf_counter()
            build = server.http.post("/api/projects/bench/flood/events", json={"type": "push"}).json()["build"]
            server.http.get(f"/api/builds/{build}/jobs")
            while server.http.get(f"/api/builds/{build}").json()["finished_at"] is None:
                time.sleep(0.01)
            ours = time.perf_counter() - begun
            _first, took, whole = papermill(notebook, folder)
            peer = f"{took / 1000:.1f} s papermill" + ("" if whole else ", failed")
            line(what, f"{ours:.2f} s", peer, f"{took / 1000 / ours:.0f}x")
        server.stop()


FORKS = """
import gc, os, sys, time
held = [bytearray(1 << 20) for _ in range(int(sys.argv[1]))]
for part in held:
    part[::4096] = bytes([1]) * 256
gc.freeze()
times = []
for _ in range(30):
    begun = time.perf_counter()
    child = os.fork()
    if child == 0:
        os._exit(0)
    times.append(time.perf_counter() - begun)
    os.waitpid(child, 0)
print(sorted(times)[15] * 1000)
"""


def bench_forks() -> None:
    """How long a fork takes as what is preloaded grows: the kernel copies page tables."""
    for size in (50, 100, 200, 500):
        done = subprocess.run([sys.executable, "-c", FORKS, str(size)], capture_output=True, text=True, check=True)
        line(f"a fork of a process of {size} MB", f"{float(done.stdout):.1f} ms", "", "")
