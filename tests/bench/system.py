"""The whole system in a cluster: what an event, a job, a webhook and a waiting build cost there. Part of `make bench-cluster`.

Brigade v1.5.0's figures were measured on the same kind of cluster (one node, two cores, images already there). Times are between the
server's clock (`created_at`) and the worker's, which are one clock where there is one node.
"""

from __future__ import annotations

import json
import statistics
import time
from datetime import datetime
from pathlib import Path

import kube
from installed import System

from tests.bench.serving import line

LOAD = Path(__file__).with_name("load.py")
PROJECT = "bench/bench"
EVENTS = 3000
"""Webhooks of 10 KB; most of their builds wait, for the row after."""

SAYS = "import time; print('at', time.time(), flush=True)"
JOB = """
import time
from brignb import Job
async for line in Job("hi", {image!r}, tasks=["echo hi"], use_source=False).run():
    if "hi" in str(line):
        print("at", time.time(), flush=True)
        break
"""


def notebook(source: str) -> str:
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return json.dumps({"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5})


class Bench:
    """A project in an installed system, and its events."""

    def __init__(self, system: System) -> None:
        self.system = system

    def project(self, source: str, **fields: object) -> None:
        facts = {"project": PROJECT, "defaultNotebook": notebook(source), **fields}
        if self.system.http.post("/api/projects", content=json.dumps(facts)).status_code == 409:
            self.system.http.delete(f"/api/projects/{PROJECT}").raise_for_status()
            self.system.http.post("/api/projects", content=json.dumps(facts)).raise_for_status()

    def fired(self) -> float:
        """Seconds from an event's acceptance to what its build says first."""
        answer = self.system.http.post(f"/api/projects/{PROJECT}/events", json={"type": "exec"}).raise_for_status()
        build = answer.json()["build"]
        with self.system.http.stream("GET", f"/api/builds/{build}/logs", params={"follow": 1}) as log:
            at = next(float(text.rpartition("at ")[2]) for text in log.iter_lines() if "| at " in text)
            log.read()
        accepted = self.system.http.get(f"/api/builds/{build}").json()["created_at"]
        return at - datetime.fromisoformat(accepted).timestamp()

    def warm(self) -> None:
        """Until a worker waits for this project's builds."""
        while self.fired() > 0.5:
            time.sleep(0.2)


def bench_cold(bench: Bench) -> None:
    bench.project(SAYS)
    taken = [bench.fired() for _ in range(9)]
    line("event -> first user line, cold worker pod", f"{statistics.median(taken):.2f} s", "Brigade 1.65-1.82 s", "")
    line("  worst of 9", f"{max(taken):.2f} s", "", "")


def bench_warm(bench: Bench) -> None:
    bench.project(SAYS, warmWorkers=2)
    bench.warm()
    taken = [bench.fired() * 1000 for _ in range(100)]
    cuts = statistics.quantiles(taken, n=20)
    line("event -> first user line, warm worker pod", f"p50 {cuts[9]:.0f} ms, p95 {cuts[18]:.0f} ms", "", "")


def bench_job(bench: Bench) -> None:
    bench.project(SAYS, warmWorkers=2)
    bench.warm()
    bench.project(JOB.format(image=kube.IMAGE), warmWorkers=2)
    bench.fired()
    taken = [bench.fired() for _ in range(9)]
    line("event -> its job's first line, warm", f"{statistics.median(taken):.2f} s", "Brigade 1.7-2.0 s", "")


def bench_registry(bench: Bench) -> None:
    """Sixteen connections from a pod of the cluster; each acknowledged event is looked for afterwards."""
    system = bench.system
    bench.project("import time; time.sleep(600)", concurrency=1)
    target = f"http://{system.registry}/events/webhook/{PROJECT}"
    said = system.python(LOAD.read_text("utf-8") + DRIVE.format(target=target, count=EVENTS))
    facts = json.loads(said)
    stored = sum(1 for event in system.pages("/api/events", project=PROJECT) if event["type"] == "image_push")
    rate = facts["count"] / facts["seconds"]
    line(
        "registry gateway, durable events/s of 10 KB",
        f"{rate:,.0f}, p99 {facts['p99']:.0f} ms",
        "Brigade 3/s, p99 6 s+",
        f"{rate / 3:.0f}x",
    )
    line("  acknowledged, and not there", f"{facts['acknowledged'] - stored}", "Brigade 14 of 300", "")
