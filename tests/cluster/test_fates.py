"""What befalls a pod, on a real cluster: each fate with its reason, in the cluster's words, and never a hang."""

from __future__ import annotations

import asyncio

import kube
import pytest
from pods import Cluster

from brignb.errors import JobRefused
from brignb.model.builds import State
from brignb.model.jobs import Host, Resources


async def test_a_job_without_memory_is_told_so(cluster):
    """137 alone sends people searching."""
    eat = "x=y; while :; do x=$x$x; done"
    job = await cluster.start("echo up", eat, resources=Resources(limits={"memory": "20Mi"}))
    status = await cluster.ended(job)
    assert (status.state, status.reason, status.exit_code) == (State.FAILED, "oom", 137)
    assert "memory" in status.message


async def test_an_image_that_is_not_there_fails_with_the_registrys_words(cluster):
    """After the grace, and with what could not be resolved."""
    job = await cluster.start("true", image="localhost/no-such-image:1")
    status = await cluster.ended(job)
    assert (status.state, status.reason) == (State.FAILED, "image_pull")
    assert "no-such-image" in status.message
    assert any("no-such-image" in line for line in await cluster.said(job, "system"))


async def test_a_pod_that_no_node_takes_fails_after_its_grace(cluster):
    """And it is told at once that none does."""
    job = await cluster.start("true", host=Host(node_selector={"no": "such-node"}))
    status = await cluster.ended(job)
    assert (status.state, status.reason) == (State.FAILED, "unschedulable")
    assert any("FailedScheduling" in line for line in await cluster.said(job, "system"))


async def test_a_quota_that_is_full_is_the_jobs_reason(tmp_path):
    """The cluster's words say which, and how much of it."""
    with kube.namespace() as name:
        executor = kube.executor(tmp_path, name)
        cluster = Cluster(executor, name, tmp_path)
        quota = {"metadata": {"name": "small"}, "spec": {"hard": {"pods": "0"}}}
        await cluster.ask("POST", "resourcequotas", body=quota)
        status = None
        async with asyncio.timeout(30):  # the quota is in force once its controller has counted
            while status is None or status.succeeded:
                status = await cluster.ended(await cluster.start("true"))
        await executor.close()
    assert (status.state, status.reason) == (State.FAILED, "quota")
    assert "pods=0" in status.message.replace("pods: 0", "pods=0")


async def test_what_admission_refuses_is_told_in_its_words(cluster):
    """The namespace enforces *restricted*: brignb's own pods pass, a privileged one does not, and nothing is left of it."""
    job = await cluster.start("true", privileged=True)
    status = await cluster.ended(job)
    assert (status.state, status.reason) == (State.FAILED, "admission")
    assert "PodSecurity" in status.message
    names = [each["metadata"]["name"] for each in (await cluster.ask("GET", "secrets"))["items"]]
    assert job not in names


async def test_what_the_cluster_calls_wrong_is_refused(cluster):
    """Only it can know: quantities, labels, combinations."""
    with pytest.raises(JobRefused, match="quantit"):
        await cluster.start("true", resources=Resources(limits={"cpu": "a lot"}))


async def test_a_namespace_that_is_not_there_is_refused(cluster):
    """With its name."""
    with pytest.raises(JobRefused, match="no-such-namespace"):
        await cluster.start("true", namespace="no-such-namespace")


async def test_a_pod_deleted_under_a_job_is_a_lost_job(cluster):
    """Somebody cleans up; the job's end must be told, not waited for."""
    job = await cluster.start("echo up", "sleep 100")
    await cluster.until_it_says(job, "up")
    await cluster.ask("DELETE", "pods", job, gracePeriodSeconds=0)
    status = await cluster.ended(job)
    assert (status.state, status.reason) == (State.LOST, "deleted")


async def test_a_pod_deleted_while_it_starts_is_a_lost_job(cluster):
    """The same, before anything has run."""
    job = await cluster.start("true", image="localhost/no-such-image:1")
    await cluster.ask("DELETE", "pods", job, gracePeriodSeconds=0)
    assert (await cluster.ended(job)).reason == "deleted"


async def test_a_secret_that_is_not_there_is_the_jobs_reason(cluster):
    """A reference stays a reference: the cluster resolves it, or says that it cannot."""
    reference = {"secretKeyRef": {"name": "no-such-secret", "key": "k"}}
    status = await cluster.ended(await cluster.start("true", env={"A": reference}))
    assert (status.state, status.reason) == (State.FAILED, "config")
    assert "no-such-secret" in status.message


async def test_a_program_that_is_not_there_is_told_in_the_runtimes_words(cluster):
    """A command needs no shell in its image, so there is none to say 127."""
    status = await cluster.ended(await cluster.start(command=("no-such-program",)))
    assert (status.state, status.reason) == (State.FAILED, "start")
    assert "no-such-program" in status.message


async def test_an_image_without_tasks_has_the_phase_alone(cluster):
    """Its own program, its own exit code."""
    job = await cluster.start(command=("sh", "-c", "echo hi; exit 9"))
    assert await cluster.said(job) == ["hi"]
    status = await cluster.ended(job)
    assert (status.state, status.exit_code, status.reason) == (State.FAILED, 9, "exit_code")
