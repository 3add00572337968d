"""The process that started jobs is killed: the next one finds them, and whoever follows them has each line once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path

import kube
import pytest
import serverside
from ulid import ULID

from brignb.model.builds import State
from brignb.model.jobs import JobSpec
from brignb.model.names import id_time_ms, new_id
from brignb.store.sealing import Sealer
from brignb.store.sql import SqlStore

WITHIN = 90
BUILD = "01JV3ZQ8M4T7Y2K9R5W6X0ABCD"
TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def namespace():
    with kube.namespace() as name:
        yield name


class Site:
    """A server that can be killed, and a worker that lives on."""

    def __init__(self, folder: Path, namespace: str) -> None:
        self.folder, self.namespace = folder, namespace
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        argv = [sys.executable, "-m", "serverside", str(self.folder), str(self.port), self.namespace]
        environment = {**os.environ, "PYTHONPATH": str(TESTS)}
        self.process = subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, text=True, cwd=TESTS)
        assert self.process.stdout.readline() == "up\n"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
async def site(tmp_path, namespace):
    store = SqlStore(f"sqlite:///{tmp_path / 'brignb.db'}", Sealer(bytes(32)))
    await store.open()
    claim = await serverside.claimed(store, BUILD)
    await store.close()
    running = Site(tmp_path, namespace)
    running.start()
    running.claim, running.worker = claim, serverside.worker(running.url, claim)
    yield running
    await running.worker.close()
    running.kill()


def spec(*tasks: str, name: str = "job", **fields) -> JobSpec:
    job_id = f"{name}-{new_id(id_time_ms(BUILD), ULID().bytes[6:])}".lower()
    facts = {"id": job_id, "build_id": BUILD, "project": "owner/repo", "image": kube.IMAGE, "use_source": False}
    return JobSpec(name=name, tasks=tasks, **{**facts, **fields})


async def told(worker, job: str, heard: list[str]) -> list[str]:
    """What a job says, as it comes, parts put together."""
    text = ""
    async with asyncio.timeout(WITHIN):
        async for batch in worker.logs(job):
            for line in batch:
                if line.stream == "stdout":
                    text += line.text
                    if not line.partial:
                        heard.append(text)
                        text = ""
                else:
                    heard.append(f"system: {line.text}")
    return heard


async def until(true) -> None:
    async with asyncio.timeout(WITHIN):
        while not true():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.05)


def stated(heard: list[str]) -> list[str]:
    return [line for line in heard if not line.startswith("system: ")]


async def test_lines_go_on_where_they_were(site):
    """In a line's middle, too; its number of lines is large enough that some of them are read by the first process, the rest by the other."""
    job = spec(
        "for i in $(seq 1 40); do echo $i; sleep 0.05; done",
        "printf half",
        "sleep 3",
        "echo ' and half'",
        "for i in $(seq 41 80); do echo $i; sleep 0.02; done",
    )
    heard = []
    await site.worker.start(job)
    following = asyncio.create_task(told(site.worker, job.id, heard))
    await until(lambda: "40" in heard)
    await asyncio.sleep(0.5)  # the half line comes after a moment
    site.kill()
    site.start()
    await following
    status = await site.worker.wait(job.id)
    assert status.succeeded, status
    numbers = [str(number) for number in range(1, 81)]
    assert stated(heard) == [*numbers[:40], "half and half", *numbers[40:]]
    assert [line for line in heard if line.startswith("system: ")].count("system: started") == 1


async def test_a_loud_job_loses_no_line(site):
    """The server is killed three times while it writes; the log is rotated by nobody."""
    job = spec("i=0; while [ $i -lt 60 ]; do seq $((i * 500 + 1)) $((i * 500 + 500)); i=$((i + 1)); sleep 0.1; done")
    heard = []
    await site.worker.start(job)
    following = asyncio.create_task(told(site.worker, job.id, heard))
    for share in (4_000, 12_000, 20_000):
        await until(lambda share=share: len(heard) > share)
        site.kill()
        site.start()
    await following
    assert (await site.worker.wait(job.id)).succeeded
    assert stated(heard) == [str(number) for number in range(1, 30_001)]


async def test_fifty_jobs_outlive_the_process_that_started_them(site):
    """Each is run once, to its end, and told whole."""
    jobs = [spec(f"echo a{n}", "sleep 5", f"echo b{n} $RANDOM$RANDOM", name=f"job{n}") for n in range(50)]
    heard = {job.id: [] for job in jobs}
    await asyncio.gather(*(site.worker.start(job) for job in jobs))
    following = [asyncio.create_task(told(site.worker, job.id, heard[job.id])) for job in jobs]
    await until(lambda: sum(map(len, map(stated, heard.values()))) > 20)
    site.kill()
    pods = {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in there(site)}
    site.start()
    await asyncio.gather(*following)
    ended = [await site.worker.wait(job.id) for job in jobs]
    assert [status.state for status in ended] == [State.SUCCEEDED] * 50, ended
    assert {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in there(site)} == pods, "none was made again"
    for number, job in enumerate(jobs):
        first, last = stated(heard[job.id])
        assert first == f"a{number}"
        assert last.startswith(f"b{number} ")


async def test_a_job_that_ended_meanwhile_is_known(site):
    """Nobody looked on when it did."""
    job = spec("echo one", "sleep 1.5", "echo two", 'echo X=1 >> "$BRIGNB_OUTPUT"', "exit 3")
    heard = []
    await site.worker.start(job)
    following = asyncio.create_task(told(site.worker, job.id, heard))
    await until(lambda: "one" in heard)
    site.kill()
    await asyncio.sleep(4)
    site.start()
    await following
    status = await site.worker.wait(job.id)
    assert (status.state, status.exit_code, status.outputs) == (State.FAILED, 3, {"X": "1"})
    assert stated(heard) == ["one", "two"]


async def test_a_pod_that_is_gone_is_not_made_again(site):
    """It may have done its work."""
    job = spec("echo one", "sleep 60")
    heard = []
    await site.worker.start(job)
    following = asyncio.create_task(told(site.worker, job.id, heard))
    await until(lambda: "one" in heard)
    site.kill()
    kube.asked("DELETE", f"/api/v1/namespaces/{site.namespace}/pods/{job.id}", {"gracePeriodSeconds": 0})
    site.start()
    await following
    status = await site.worker.wait(job.id)
    assert (status.succeeded, status.reason) == (False, "deleted")


def there(site: Site) -> list[dict]:
    return kube.asked("GET", f"/api/v1/namespaces/{site.namespace}/pods", labelSelector="component=job")["items"]


async def test_a_connection_that_is_cut_under_a_loud_job_loses_no_line(site):
    """What was on its way is more than what the server keeps for another question: it reads the log once more."""
    job = spec("seq 200000", "sleep 3", "seq 200001 200100")
    async with through(site) as (worker, cut):
        await worker.start(job)
        batches = worker.logs(job.id)
        heard = [*await anext(batches)]
        await asyncio.sleep(1.5)  # the rest fills the sockets meanwhile
        cut()
        async with asyncio.timeout(WITHIN):
            heard += [line async for batch in batches for line in batch]
        assert (await worker.wait(job.id)).succeeded
        await worker.close()
    text = "".join(line.text + ("" if line.partial else "\n") for line in heard if line.stream == "stdout")
    assert text.split() == [str(number) for number in range(1, 200_101)]


async def test_artifacts_outlive_the_process_that_took_them(site):
    """The job that wants them may be started by another one."""
    first = spec("mkdir d", "echo a > d/a", artifacts=("d/*",))
    await site.worker.start(first)
    assert (await site.worker.wait(first.id)).artifacts == ("d/a",)
    site.kill()
    site.start()
    second = spec("cat d/a", inputs=(first.id, "other-01jv3zq8m4t7y2k9r5w6x0abzz"))
    await site.worker.start(second)
    assert stated(await told(site.worker, second.id, [])) == ["a"]


@contextlib.asynccontextmanager
async def through(site):
    """Another worker of the build, behind something that can cut its connections, with what is on its way."""
    cutting = []

    async def pass_on(reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def connected(reader, writer):
        there = await asyncio.open_connection("127.0.0.1", site.port)
        tasks = [asyncio.create_task(pass_on(reader, there[1])), asyncio.create_task(pass_on(there[0], writer))]
        cutting.append(lambda: [each.transport.abort() for each in (writer, there[1])])
        await asyncio.gather(*tasks)

    def cut():
        for each in cutting:
            each()

    async with await asyncio.start_server(connected, "127.0.0.1", 0) as proxy:
        port = proxy.sockets[0].getsockname()[1]
        yield serverside.worker(f"http://127.0.0.1:{port}", site.claim), cut
        cut()
        await asyncio.sleep(0.1)  # its tasks end
