"""`make bench`: every figure with its peer, from the same run."""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from tests.bench import away, parts, views, warm
from tests.bench.load import Report, drive, pushed, signed
from tests.bench.serving import NOTEBOOK, ROOT, Server, line
from tests.postgresql import databases


def intake(kind: str, count: int, request: Callable[[str, int], bytes] = signed, store: str = "") -> Report:
    with tempfile.TemporaryDirectory() as home:
        argv = [sys.executable, "-m", "tests.bench.intake_server", kind, home]
        server = subprocess.Popen(
            argv, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ, "BRIGNB_STORE": store}
        )
        port = int(server.stdout.readline())
        requests = [request(f"127.0.0.1:{port}", number) for number in range(count + 500)]
        drive(("127.0.0.1", port), requests[:500])
        report = drive(("127.0.0.1", port), requests[500:])
        server.terminate()
        server.wait()
        server.stdout.close()
    return report


def bench_intake() -> None:
    stored, free = intake("store", 8000), intake("none", 8000)
    assert stored.statuses == {202: 8000}, stored.statuses
    line(
        "durable signed 10 KB POSTs/s, 64 connections",
        f"{stored.rate:.0f}/s",
        f"{free.rate:.0f}/s no store",
        f"{stored.rate / free.rate:.2f}x",
    )
    line("  p50, p99", f"{stored.p50_ms:.1f}, {stored.p99_ms:.1f} ms", f"{free.p50_ms:.1f}, {free.p99_ms:.1f} ms", "")


def bench_postgresql(count: int = 8000) -> None:
    with contextlib.contextmanager(databases)() as create:
        url = create()
        far, near = intake("store", count, pushed, url), intake("store", count, pushed)
        with psycopg.connect(url) as connection:
            (kept,) = connection.execute("SELECT count(*) FROM builds").fetchone()
    assert far.statuses == {202: count}, far.statuses
    assert kept == count + 500, f"{kept} of {count + 500} acknowledged events are there"
    line(
        "registry gateway on PostgreSQL, durable 10 KB POSTs/s",
        f"{far.rate:.0f}/s",
        f"{near.rate:.0f}/s SQLite",
        f"{far.rate / near.rate:.2f}x",
    )
    line("  p50, p99", f"{far.p50_ms:.1f}, {far.p99_ms:.1f} ms", f"{near.p50_ms:.1f}, {near.p99_ms:.1f} ms", "")


JOBS = """
import statistics, subprocess, sys, time
from brignb import Job
Job("warm", tasks=["true"], use_source=False).run().wait()
ours, theirs = [], []
for _ in range(30):
    begun = time.perf_counter(); Job("job", tasks=["true"], use_source=False).run().wait(); ours.append(time.perf_counter() - begun)
    begun = time.perf_counter(); subprocess.run(["/bin/sh", "-c", "true"]); theirs.append(time.perf_counter() - begun)
print(statistics.median(ours) * 1000, statistics.median(theirs) * 1000)
"""


def bench_jobs() -> None:
    done = subprocess.run([sys.executable, "-c", JOBS], capture_output=True, text=True, check=True)
    ours, theirs = map(float, done.stdout.split())
    line("a job, started and ended", f"{ours:.1f} ms", f"{theirs:.1f} ms subprocess", f"+{ours - theirs:.1f} ms")


def median_seconds(argv: list[str], runs: int = 15) -> float:
    def once() -> float:
        begun = time.perf_counter()
        subprocess.run(argv, check=True, capture_output=True)
        return time.perf_counter() - begun

    once()
    return statistics.median(once() for _ in range(runs))


def bench_import() -> None:
    ours = median_seconds([sys.executable, "-c", "import brignb; brignb.Job"])
    bare = median_seconds([sys.executable, "-c", "import brignb"])
    peer = median_seconds([sys.executable, "-c", "pass"])
    line("import brignb", f"{(bare - peer) * 1000:.1f} ms", "over an empty Python", "")
    line("  from brignb import Job", f"{(ours - peer) * 1000:.1f} ms", "the same", "")


def bench_memory(queued: int = 10_000) -> None:
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "home", "--workers", "1")
        idle = server.memory()
        line("memory of the idle server", f"{idle:.0f} MB", "", "")
        # One build holds the only worker, so that the others stay queued.
        hold = {
            **NOTEBOOK,
            "cells": [{**NOTEBOOK["cells"][0], "metadata": {}, "source": "import threading; threading.Event().wait()"}],
        }
        project = {"project": "bench/hold", "defaultNotebook": json.dumps(hold), "sharedSecret": "bench-secret-0001"}
        server.http.post("/api/projects", content=json.dumps(project)).raise_for_status()
        held = server.http.post("/api/projects/bench/hold/events", json={"type": "push"}).json()["build"]
        for number in range(queued):
            server.http.post("/api/projects/bench/bench/events", json={"type": "push", "payload": {"n": number}})
        line(f"  with {queued} queued builds", f"{server.memory() - idle:+.0f} MB", "", "")
        times = []
        for _ in range(20):
            begun = time.perf_counter()
            server.http.get("/api/builds", params={"limit": 50}).raise_for_status()
            times.append(time.perf_counter() - begun)
        line("  listing a page of 50 builds", f"{statistics.median(times) * 1000:.1f} ms", "", "")
        for number in (held,):
            server.http.post(f"/api/builds/{number}/cancel")
        server.process.kill()
        server.stop()


BENCHES: dict[str, Callable[[], None]] = {
    "import": bench_import,
    "jobs": bench_jobs,
    "first-line": warm.bench_first_line,
    "rate": warm.bench_rate,
    "concurrent": warm.bench_concurrent,
    "floods": warm.bench_floods,
    "forks": warm.bench_forks,
    "memory": bench_memory,
    "intake": bench_intake,
    "views": views.bench_views,
    "postgresql": bench_postgresql,
    "away": away.bench_away,
    "parts": parts.bench_parts,
}


def main() -> None:
    line("measure", "brignb", "peer", "ratio")
    for name in sys.argv[1:] or BENCHES:
        BENCHES[name]()


main()
