"""Jobs as pods: what the cluster sees of them, what they see, what is left."""

from __future__ import annotations

import hashlib
import os

import kube
from pods import BUILD

from brignb.executors.kubernetes.naming import NONCE
from brignb.model.builds import State
from brignb.model.jobs import Storage


async def test_a_jobs_life_is_told_as_it_happens(cluster):
    """What stands under the author's cell."""
    job = await cluster.start("echo hi")
    assert (await cluster.executor.status(job)).state is State.PENDING
    told = [(line.stream, line.text) for line in await cluster.lines(job)]
    assert told[0][1].startswith("scheduled on ")
    assert told[1:] == [("system", "started"), ("stdout", "hi")]


async def test_a_job_runs_without_rights(cluster):
    """The namespace enforces *restricted*; nobody told this job otherwise."""
    job = await cluster.start(
        "id -u", "ls /var/run/secrets/kubernetes.io 2>&1 || true", "grep CapEff /proc/self/status"
    )
    user, token, rights = await cluster.said(job)
    assert user == "1000"
    assert "No such file" in token
    assert rights.split()[1].strip("0") == ""


async def test_a_secret_goes_with_its_pod(cluster):
    """Nothing private is left of a job."""
    job = await cluster.start("echo $TOKEN", env={"TOKEN": "s3cr3t"})
    assert await cluster.said(job) == ["s3cr3t"]
    pod = await cluster.ask("GET", "pods", job)
    assert "s3cr3t" not in str(pod)
    assert (await cluster.ask("GET", "secrets", job))["metadata"]["ownerReferences"][0]["uid"] == pod["metadata"]["uid"]
    await cluster.executor.close()
    await cluster.until_gone("secrets", job)


async def test_a_large_source_arrives_whole(cluster):
    """30 MB through the API server, without a registry, an object store or a way back."""
    source = cluster.folder / "src"
    source.mkdir()
    (source / "big").write_bytes(os.urandom(30_000_000))
    digest = hashlib.sha256((source / "big").read_bytes()).hexdigest()
    job = await cluster.start("sha256sum big", source=str(source))
    assert (await cluster.said(job))[0].split()[0] == digest


async def test_a_builds_storage_goes_with_it(cluster):
    """As in Brigade v1; a cache stays."""
    job = await cluster.start("echo x > /mnt/brigade/share/f", storage=Storage(enabled=True))
    assert (await cluster.ended(job)).succeeded
    await cluster.executor.close()
    await cluster.until_gone("persistentvolumeclaims", f"brigade-worker-{BUILD.lower()}")


async def test_an_earlier_processs_pod_is_adopted(cluster, tmp_path):
    """A worker lives on while the process that follows its jobs is another one: the log from its beginning, the job's end."""
    spec = cluster.spec("echo one", "sleep 2", "echo two", 'echo "A=1" >> "$BRIGNB_OUTPUT"', "exit 3")
    await cluster.executor.start(spec)
    await cluster.until_it_says(spec.id, "one")
    second = kube.executor(tmp_path / "second", cluster.namespace)
    await second.start(spec)
    told = [line.text async for batch in second.logs(spec.id) for line in batch if line.stream == "stdout"]
    status = await second.wait(spec.id)
    assert told == ["one", "two"]
    assert (status.state, status.exit_code, status.outputs) == (State.FAILED, 3, {"A": "1"})
    third = kube.executor(tmp_path / "third", cluster.namespace)
    await third.start(spec)
    assert (await third.wait(spec.id)).exit_code == 3, "it has ended, and is not run again"
    pods = (await cluster.ask("GET", "pods", labelSelector="jobname=job"))["items"]
    assert [pod["metadata"]["name"] for pod in pods if NONCE in str(pod["metadata"]["annotations"])].count(spec.id) == 1
    await second.close()
    await third.close()


async def test_what_sidecars_say_is_in_the_jobs_log(cluster):
    """With their names; a database that does not start is why a job fails."""
    script = "while :; do echo pong; sleep 0.2; done"
    beside = {
        "db": {"image": kube.IMAGE, "command": ["sh", "-c", f"trap exit TERM; {script}"]},
        "quiet": {"image": kube.IMAGE, "command": ["sleep", "1000"]},
    }
    job = await cluster.start("sleep 4", "echo hi", sidecars=beside)
    lines = await cluster.lines(job)
    assert (await cluster.ended(job)).succeeded
    assert [line.text for line in lines if line.stream == "stdout"] == ["hi"]
    assert len([line for line in lines if (line.stream, line.text) == ("system", "db | pong")]) >= 5


async def test_sidecars_end_with_their_job(cluster):
    """Brigade v2's; a service beside the tests."""
    beside = {"beside": {"image": kube.IMAGE, "command": ["sh", "-c", "while :; do sleep 1; done"]}}
    job = await cluster.start("echo hi", sidecars=beside)
    assert await cluster.said(job) == ["hi"]
    await cluster.until_ended(job)
