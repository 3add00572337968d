"""The whole system in a cluster, installed by its chart: what an event, a job and a waiting build cost there.

Brigade v1.5.0's figures were measured on the same kind of cluster: one node of two cores, images already there. Times are between the
server's clock (`created_at`, milliseconds) and the worker's, which are one clock where there is one node.
"""

from __future__ import annotations

import json
import statistics
import time
from datetime import datetime
from typing import Any

import httpx
import images
import kube
from installed import System, installed

from tests.bench.serving import line

SAYS = "import time; print('at', time.time(), flush=True)"
JOB = """import time
from brignb import Job, events
@events.on("exec")
async def go():
    async for _line in Job("hi", {image!r}, tasks=["echo hi"], use_source={source}).run():
        print("at", time.time(), flush=True)
        return
"""
WAITS = "import time; time.sleep(3600)"
WITHIN = 120
"""Seconds for anything here."""


class Bench:
    """A project in an installed system, and its events.

    Args:
        system: Installed.
        name: The project's: each measure has one of its own, so that none finds another's warm workers.
    """

    def __init__(self, system: System, name: str) -> None:
        self.system = system
        self.name = f"bench/{name}"

    def project(self, source: str, **fields: Any) -> None:
        """Register it, or give it another notebook."""
        cell = {
            "cell_type": "code",
            "id": "a",
            "metadata": {},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
        facts = {"project": self.name, "defaultNotebook": json.dumps(notebook), **fields}
        url = "/api/projects?replace=true"
        self.system.http.post(url, content=json.dumps(facts)).raise_for_status()

    def event(self) -> str:
        """Its build."""
        answer = self.system.http.post(f"/api/projects/{self.name}/events", json={"type": "exec"})
        return str(answer.raise_for_status().json()["build"])

    def fired(self) -> float:
        """Seconds from an event's acceptance to what its build says first."""
        build = self.event()
        self.system.http.get(f"/api/builds/{build}/logs", params={"follow": "1"}, timeout=WITHIN)
        found = self.system.http.get(f"/api/builds/{build}").json()
        log = self.system.http.get(f"/api/builds/{build}/logs").text
        said = [text for text in log.splitlines() if "| at " in text]
        assert said, f"{found['state']} {found['reason']} {found['message']}\n{log}"
        return float(said[0].rpartition(" ")[2]) - datetime.fromisoformat(found["created_at"]).timestamp()

    def warmed(self) -> None:
        """Until a worker waits for this project's builds."""
        end = time.monotonic() + WITHIN
        while self.fired() > 0.4:
            assert time.monotonic() < end, "no warm worker"
            time.sleep(0.5)

    def clear(self) -> None:
        """No build waits or runs any more, and no worker waits."""
        for state in ("pending", "running"):
            while found := self.system.http.get("/api/builds", params={"state": state, "limit": 1000}).json()["items"]:
                for build in found:
                    self.system.http.post(f"/api/builds/{build['id']}/cancel")
                time.sleep(0.5)
        self.system.http.delete(f"/api/projects/{self.name}").raise_for_status()


def bench_cold(bench: Bench) -> None:
    bench.project(SAYS)
    bench.fired()
    taken = [bench.fired() for _ in range(9)]
    line("event -> first user line, cold worker pod", f"{statistics.median(taken):.2f} s", "Brigade 1.65-1.82 s", "")
    line("  best, worst of 9", f"{min(taken):.2f}, {max(taken):.2f} s", "", "")


def bench_warm(bench: Bench) -> None:
    bench.project(SAYS, warmWorkers=2)
    bench.warmed()
    taken = [bench.fired() * 1000 for _ in range(100)]
    cuts = statistics.quantiles(taken, n=20)
    line("event -> first user line, warm worker pod", f"{cuts[9]:.0f}, p95 {cuts[18]:.0f} ms", "goal 40, 120", "")


def bench_job(bench: Bench) -> None:
    bench.project(SAYS, warmWorkers=2)
    bench.warmed()
    for source in (False, True):
        bench.project(JOB.format(image=kube.IMAGE, source=source), warmWorkers=2)
        bench.fired()
        taken = [bench.fired() for _ in range(9)]
        peer = ("with source", "") if source else ("event -> its job's first line, warm worker", "Brigade 1.7-2.0 s")
        line(f"{'  ' if source else ''}{peer[0]}", f"{statistics.median(taken):.2f} s", peer[1], "")


def bench_controller(bench: Bench) -> None:
    """Memory and processor time of the one that leads, by its own /metrics."""
    bench.project(WAITS)
    leader = _leader(bench.system)
    line("controller, idle", _costs(leader), "goal 80 MB, 1 %", "")
    for _ in range(1000):
        bench.event()
    time.sleep(5)
    line("  with 1,000 builds waiting", _costs(leader), "goal 150 MB, 20 %", "")


def _leader(system: System) -> httpx.Client:
    lease = json.loads(system.kubectl("get", "lease", "brignb-controller", "--output", "json"))
    pod = str(lease["spec"]["holderIdentity"]).partition("_")[0]
    base = f"http://{system.forward(f'pod/{pod}', 7747)}"
    return httpx.Client(base_url=base, headers=system.http.headers, timeout=WITHIN)


def _costs(server: httpx.Client, seconds: float = 20) -> str:
    def figure(name: str) -> float:
        text = server.get("/metrics").raise_for_status().text
        return next(float(each.rpartition(" ")[2]) for each in text.splitlines() if each.startswith(f"{name} "))

    begun, used = time.monotonic(), figure("process_cpu_seconds_total")
    time.sleep(seconds)
    share = (figure("process_cpu_seconds_total") - used) / (time.monotonic() - begun)
    return f"{figure('process_resident_memory_bytes') / 1e6:.0f} MB, {share:.1%}"


def bench_images() -> None:
    """Layers above the base, as they are on a node's disk."""
    for target, most in (("worker", 200), ("server", 350)):
        size = images.above_base(images.ours(target)) / 1e6
        line(f"image of the {target}, above the base", f"{size:.0f} MB", f"goal {most} MB", "")


BENCHES = {"cold": bench_cold, "warm": bench_warm, "job": bench_job, "controller": bench_controller}


def run(names: list[str]) -> None:
    """Those of the system; one installation for all."""
    if "images" in names:
        bench_images()
    if wanted := [name for name in names if name in BENCHES]:
        with installed(workers={"most": 4}) as system:  # a thousand builds that wait must not fill the node
            for name in wanted:
                BENCHES[name](bench := Bench(system, name))
                bench.clear()
