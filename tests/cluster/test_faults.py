"""A cluster's parts die while jobs run: nothing lost, nothing twice, nothing stuck."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import kube
import pytest
from pods import Cluster

from brignb.executors.kubernetes.following import Follower
from brignb.executors.kubernetes.rights import role
from brignb.model.builds import State

RECOVERED = 35
"""Seconds after recovery in which nothing may be stuck (the issue)."""


async def test_cut_streams_lose_and_repeat_nothing(cluster, monkeypatch):
    """Ten cuts, wherever the stream happens to be; the log is larger than what a node keeps in one file, so it is rotated, too."""
    count = 400_000
    followers = []
    made = Follower.__init__

    def remembered(self, *args, **more):
        made(self, *args, **more)
        followers.append(self)

    monkeypatch.setattr(Follower, "__init__", remembered)
    job = await cluster.start(
        f"seq -f 'line %010.0f of a log that is rotated' {count} 2>/dev/null || seq {count}", "sleep 3"
    )
    told, cuts = [], 0
    async with asyncio.timeout(120):
        async for batch in cluster.executor.logs(job):
            told += [(line.text, line.partial) for line in batch if line.stream == "stdout"]
            if len(told) > (cuts + 1) * count // 12 and cuts < 10 and followers:
                followers[0].again()
                cuts += 1
    whole = "".join(text + ("" if partial else "\n") for text, partial in told).split("\n")[:-1]
    assert cuts == 10
    assert [int(line.split()[1] if " " in line else line) for line in whole] == [*range(1, count + 1)]


SCRIPT = """
import asyncio, json, sys
sys.path[:0] = [{tests!r}]
import kube
from pathlib import Path
from brignb.model.jobs import JobSpec

async def main():
    executor = kube.executor(Path({work!r}), {namespace!r})
    for each in json.loads({specs!r}):
        await executor.start(JobSpec.from_json(each))
    print("started", flush=True)
    await asyncio.sleep(1000)

asyncio.run(main())
"""


def started_elsewhere(cluster, specs) -> subprocess.Popen:
    """Another process that has started these jobs."""
    text = SCRIPT.format(
        tests=str(Path(__file__).parents[1]),
        work=str(cluster.folder / "other"),
        namespace=cluster.namespace,
        specs=json.dumps([spec.to_json() for spec in specs]),
    )
    process = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"started\n"
    return process


async def test_jobs_of_a_killed_process_end_and_are_adopted(cluster):
    """SIGKILL: one is followed to its end by the next process, one that nobody follows ends by its deadline."""
    followed = cluster.spec("for i in 1 2 3 4 5 6; do echo $i; sleep 1; done", name="followed")
    alone = cluster.spec("sleep 1000", name="alone", timeout=2)
    process = started_elsewhere(cluster, [followed, alone])
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    await cluster.executor.start(followed)
    assert await cluster.said(followed.id) == ["1", "2", "3", "4", "5", "6"]
    assert (await cluster.ended(followed.id)).succeeded
    pod = await cluster.until_ended(alone.id)
    assert pod["status"]["reason"] == "DeadlineExceeded"
    await cluster.executor.start(alone)
    assert (await cluster.ended(alone.id)).state is State.TIMED_OUT


@pytest.mark.parametrize("name", ["kube-apiserver", "etcd"])
async def test_a_restart_of_the_clusters_head_loses_nothing(cluster, part, name):
    """Jobs go on; what they said meanwhile is told afterwards, once."""
    jobs = [
        await cluster.start(f"for i in $(seq 1 {n}); do echo $i; sleep 1; done", name=f"job{n}") for n in (4, 8, 14)
    ]
    await cluster.until_it_says(jobs[-1], "1")
    part("kill", name)
    await asyncio.sleep(3)
    part("start", name)
    begin = time.monotonic()
    said = await asyncio.gather(*(cluster.said(job) for job in jobs))
    assert time.monotonic() - begin < 14 + RECOVERED
    assert said == [[str(i) for i in range(1, n + 1)] for n in (4, 8, 14)]
    assert all([(await cluster.ended(job)).succeeded for job in jobs])


async def test_a_node_that_pauses_is_waited_for(cluster, part):
    """Its containers go on; their ends are known when it is back."""
    job = await cluster.start("echo up", "sleep 4", "echo end", "exit 3")
    await cluster.until_it_says(job, "up")
    part("pause", "kubelet")
    try:
        await asyncio.sleep(8)
    finally:
        part("resume", "kubelet")
    async with asyncio.timeout(RECOVERED):
        status = await cluster.executor.wait(job)
    assert (status.exit_code, await cluster.said(job)) == (3, ["up", "end"])


async def test_credentials_that_expire_end_in_a_clear_state(namespace, tmp_path, kubeconfig, monkeypatch):
    """Not a hang: the job is lost, and why is told."""
    monkeypatch.setattr("brignb.executors.kubernetes.hub.REFUSED_FOR", 1.0)
    monkeypatch.setattr("brignb.cluster.watching.PERIOD", 4)
    own = kube.token(namespace, "brief")
    kube.grant(namespace, "brief", role("brief", namespace))
    executor = kube.executor(tmp_path / "work", namespace)
    admin = os.environ["KUBECONFIG"]
    monkeypatch.setenv("KUBECONFIG", kubeconfig(token=own, namespace=namespace))
    cluster = Cluster(executor, namespace, tmp_path)
    job = await cluster.start("echo up", "sleep 100")
    await cluster.until_it_says(job, "up")
    with monkeypatch.context() as ours:
        ours.setenv("KUBECONFIG", admin)
        await cluster.ask("DELETE", "serviceaccounts", "brief")
    status = await cluster.ended(job)
    assert (status.state, status.reason) == (State.LOST, "unauthorized")
    assert "log in again" in (await cluster.said(job, "system"))[-1]
    await executor.close()
