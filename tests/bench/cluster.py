"""`make bench-cluster`: jobs as pods, beside bare pods made through the API, and the installed system, beside Brigade's figures.

All in one run, on whatever `$KUBECONFIG` names; `python -m tests.bench.cluster NAME …` runs some of them.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
from ulid import ULID

sys.path.insert(0, str(Path(__file__).parents[1]))

import kube
from pods import BUILD

from brignb.cluster.connection import Connection, connect
from brignb.executors.kubernetes.belongings import secret
from brignb.executors.kubernetes.executor import KubernetesExecutor
from brignb.executors.kubernetes.settings import Settings
from brignb.model.jobs import Host, JobSpec
from tests.bench import parts, system
from tests.bench.serving import line


def spec(*tasks: str, **fields) -> JobSpec:
    name = f"job-{ULID()}".lower()
    return JobSpec(id=name, name="job", build_id=BUILD, project="o/r", image=kube.IMAGE, tasks=tasks, **fields)


@asynccontextmanager
async def executor(namespace: str, **settings) -> AsyncIterator[KubernetesExecutor]:
    with tempfile.TemporaryDirectory() as work:
        made = kube.executor(Path(work), namespace, settings=Settings(helper_image=kube.IMAGE, **settings))
        await run(made, spec("true"))
        try:
            yield made
        finally:
            await made.close()


async def run(executor: KubernetesExecutor, job: JobSpec) -> tuple[float, float]:
    """Seconds from its creation to its first line, and to its result."""
    begun, first = time.perf_counter(), 0.0
    await executor.start(job)
    async for batch in executor.logs(job.id):
        if not first and any(each.stream == "stdout" for each in batch):
            first = time.perf_counter() - begun
    await executor.wait(job.id)
    return first, time.perf_counter() - begun


async def bare(connection: Connection, namespace: str, job: JobSpec) -> str:
    """A pod of the same tasks and the same Secret, and nothing else."""
    where = f"/api/v1/namespaces/{namespace}"
    await connection.ask("POST", f"{where}/secrets", secret(job, Settings(), nonce="0", waits=False))
    manifest = {
        "metadata": {"name": job.id},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "volumes": [{"name": "hook", "secret": {"secretName": job.id}}],
            "containers": [
                {
                    "name": "main",
                    "image": job.image,
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["/bin/sh", "/hook/main.sh"],
                    "volumeMounts": [{"name": "hook", "mountPath": "/hook"}],
                }
            ],
        },
    }
    await connection.ask("POST", f"{where}/pods", manifest)
    return job.id


async def kubectl_logs(namespace: str, pod: str) -> AsyncIterator[bytes]:
    """`kubectl logs -f`, asked again until the pod has a log."""
    while True:
        process = await asyncio.create_subprocess_exec(
            "kubectl",
            "logs",
            "-f",
            "-n",
            namespace,
            pod,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert process.stdout
        some = False
        while chunk := await process.stdout.read(1 << 16):
            some = True
            yield chunk
        if await process.wait() == 0 and some:
            return


async def phase(connection: Connection, namespace: str, pod: str) -> None:
    """Until the pod has succeeded, by a watch."""
    where, params = f"/api/v1/namespaces/{namespace}/pods", {"fieldSelector": f"metadata.name={pod}"}
    answer = await connection.open("GET", where, watch=1, **params)
    async for change in answer.content:
        if b'"phase":"Succeeded"' in change:
            answer.close()
            return


async def bench_first_line(namespace: str, connection: Connection) -> None:
    ours, whole, theirs = [], [], []
    async with executor(namespace) as here:
        for _ in range(9):
            first, result = await run(here, spec("echo hi"))
            ours.append(first)
            whole.append(result)
            begun = time.perf_counter()
            pod = await bare(connection, namespace, spec("echo hi"))
            async for _ in kubectl_logs(namespace, pod):
                theirs.append(time.perf_counter() - begun)
                break
        with tempfile.TemporaryDirectory() as source:
            await asyncio.to_thread(Path(source, "file").write_text, "x")
            brought = [(await run(here, spec("echo hi", source=source)))[0] for _ in range(5)]
    a, b = statistics.median(ours), statistics.median(theirs)
    line("create -> first line seen", f"{a:.2f} s", f"{b:.2f} s kubectl logs -f", f"{a / b:.2f}x")
    line("  with source", f"{statistics.median(brought):.2f} s", "", "")
    line("  create -> result", f"{statistics.median(whole):.2f} s", "", "")


async def bench_exit(namespace: str, connection: Connection) -> None:
    """The frame's own time, as the node's runtime wrote it, against the moment at which the result is known here; one clock."""
    delays = []
    async with executor(namespace, keep_pods=True) as here:
        for _ in range(7):
            job = spec("sleep 2; echo end")  # the streams are the log's by then
            await run(here, job)
            known = (await here.status(job.id)).finished_at
            answer = await connection.open(
                "GET", f"/api/v1/namespaces/{namespace}/pods/{job.id}/log", timestamps="true"
            )
            last = (await answer.read()).strip().split(b"\n")[-1].decode()
            seconds = last[17:29].rstrip("Z")
            delays.append((known / 1000) % 60 - float(seconds))
    line(
        "container's last line -> result known",
        f"{statistics.median(delays) * 1000:.0f} ms",
        "phase: 1,200-1,500 ms",
        "",
    )


async def bench_sequence(namespace: str, connection: Connection) -> None:
    async with executor(namespace) as here:
        begun = time.perf_counter()
        for _ in range(5):
            await run(here, spec("echo hi"))
        ours = time.perf_counter() - begun
    begun = time.perf_counter()
    for _ in range(5):
        await phase(connection, namespace, await bare(connection, namespace, spec("echo hi")))
    theirs = time.perf_counter() - begun
    line(
        "five one-line jobs, one after the other", f"{ours:.1f} s", f"{theirs:.1f} s by phase", f"{ours / theirs:.2f}x"
    )


async def bench_many(namespace: str, connection: Connection) -> None:
    async def pod() -> None:
        await phase(connection, namespace, await bare(connection, namespace, spec("echo hi")))

    begun = time.perf_counter()
    await asyncio.gather(*(pod() for _ in range(50)))
    theirs = time.perf_counter() - begun
    async with executor(namespace) as here:
        begun = time.perf_counter()
        await asyncio.gather(*(run(here, spec("echo hi")) for _ in range(50)))
        ours = time.perf_counter() - begun
    line("50 one-line jobs at once", f"{ours:.1f} s", f"{theirs:.1f} s bare pods", f"{ours / theirs:.2f}x")


async def bench_live(namespace: str, connection: Connection) -> None:
    """1,000 jobs that live: no node takes them, so that the cluster can bear them; the watch and its statuses are real."""
    own = psutil.Process()
    async with executor(namespace, schedule_grace=1e6) as here:
        asked = []
        real = here._connecting.result()._send
        before = own.memory_info().rss

        async def counted(method, path, *rest):
            asked.append((method, path))
            return await real(method, path, *rest)

        here._connecting.result()._send = counted
        jobs = [spec("true", host=Host(node_selector={"no": "such-node"})) for _ in range(1000)]
        for at in range(0, 1000, 50):
            await asyncio.gather(*(here.start(job) for job in jobs[at : at + 50]))
        await asyncio.sleep(5)
        made, used, begun = len(asked), sum(own.cpu_times()[:2]), time.perf_counter()
        await asyncio.sleep(30)
        busy = (sum(own.cpu_times()[:2]) - used) / (time.perf_counter() - begun)
        line(
            "1,000 live jobs: memory",
            f"{own.memory_info().rss / 1e6:.0f} MB",
            f"+{(own.memory_info().rss - before) / 1e6:.0f} MB",
            "",
        )
        line("  of a core", f"{busy:.1%}", "", "")
        line("  requests in 30 s", str(len(asked) - made), "2 watches, anew each 25 s", "")


async def bench_log(namespace: str, connection: Connection, count: int = 1_000_000) -> None:
    loud = f"seq {count}; sleep 2"
    async with executor(namespace) as here:
        job, lines, begun, took = spec(loud), 0, 0.0, 0.0
        await here.start(job)
        async for batch in here.logs(job.id):
            fresh = sum(each.stream == "stdout" and not each.partial for each in batch)
            begun = begun or (time.perf_counter() if fresh else 0.0)
            lines += fresh
            took = time.perf_counter() - begun if fresh else took
        ours = lines / took
    pod, newlines, begun = await bare(connection, namespace, spec(loud)), 0, 0.0
    async for chunk in kubectl_logs(namespace, pod):
        begun = begun or time.perf_counter()
        newlines += chunk.count(b"\n")
        took = time.perf_counter() - begun
    theirs = newlines / took
    line(
        f"lines/s of {count:,}",
        f"{ours:,.0f} ({lines:,} seen)",
        f"{theirs:,.0f} ({newlines:,} seen)",
        f"{ours / theirs:.2f}x",
    )


BENCHES: dict[str, Callable[[str, Connection], Awaitable[None]]] = {
    "first-line": bench_first_line,
    "exit": bench_exit,
    "sequence": bench_sequence,
    "many": bench_many,
    "log": bench_log,
    "live": bench_live,
}


async def bench(names: list[str], namespace: str) -> None:
    connection = await connect()
    try:
        for name in names:
            await BENCHES[name](namespace, connection)
    finally:
        await connection.close()


def main() -> None:
    line("measure", "brignb", "peer", "ratio")
    names = sys.argv[1:] or [*BENCHES, "parts", "images", *system.BENCHES]
    if "parts" in names:
        parts.bench_parts()
    system.run(names)
    if jobs := [name for name in names if name in BENCHES]:
        with kube.namespace(profile="privileged") as namespace:
            asyncio.run(bench(jobs, namespace))


main()
