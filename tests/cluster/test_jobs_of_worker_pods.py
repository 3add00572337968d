"""Builds in pods whose jobs are pods too: the worker asks, the server starts them, and may be killed meanwhile."""

from __future__ import annotations

import signal

import images
import kube
import pytest
from cluster.test_workers_whole import address, create, ended, free_port, pods, until
from e2e.conftest import Pipeline, Repository, Server, git

NOTEBOOK = """from brignb import events, Job, Group
@events.on("push")
async def go(event, project):
    first = Job("first", {image!r}, tasks=["cat data", "mkdir d; echo a > d/a", "echo N=1 >> $BRIGNB_OUTPUT"], artifacts=["d/*"])
    await first.run()
    second = Job("second", {image!r}, tasks=["cat d/a; echo got $N"], env={{"N": first.output("N")}}, inputs=[first])
    await Group.concurrent(second, Job("third", {image!r}, tasks=["echo third"], use_source=False)).run()
    print("all of it")
"""
LONG = """from brignb import events, Job
@events.on("push")
async def go(event, project):
    tasks = ["for i in $(seq 1 80); do echo line $i; sleep 0.1; done"]
    await Job("long", {image!r}, tasks=tasks, use_source=False).run()
    print("the end")
"""


@pytest.fixture(scope="module")
def namespace():
    with kube.namespace() as name:
        yield name


@pytest.fixture
def server(namespace, tmp_path, monkeypatch):
    port = free_port()
    environment = {
        "BRIGNB_WORKER_IMAGE": images.worker(),
        "BRIGNB_WORKER_NAMESPACE": namespace,
        "BRIGNB_WORKER_SERVER": f"http://{address()}:{port}",
        "BRIGNB_KUBERNETES_NAMESPACE": namespace,
        "BRIGNB_KUBERNETES_HELPER_IMAGE": kube.IMAGE,
        "BRIGNB_KUBERNETES_GRACE": "1",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    words = ("--workers-as", "pods", "--executor", "kubernetes", "--host", "0.0.0.0", "--port", str(port))
    running = Server(tmp_path / "home", *words).start()
    yield running
    running.stop()
    for kind in ("pods", "secrets"):
        where = f"/api/v1/namespaces/{namespace}/{kind}"
        kube.asked("DELETE", where, {"gracePeriodSeconds": 0}, labelSelector="app.kubernetes.io/managed-by=brignb")


@pytest.fixture
def push(server, tmp_path):
    """A push of this notebook; answers its build's id."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch", "master")

    def push(project, text):
        commit = Repository(folder).commit(Pipeline.notebook(text.format(image=kube.IMAGE)), data="from the commit\n")
        create(server, project, None, Repository(folder).url)
        return server.push(project, commit).json()["build"]

    return push


def said(server, build):
    return server.http.get(f"/api/builds/{build}/logs").text


def test_a_worker_pods_jobs_are_pods(server, namespace, push):
    """Source by way of two pods and the server, outputs, artifacts; the worker has no account, and nothing is left."""
    build = push("owner/pods", NOTEBOOK)
    state = ended(server, build)["state"]
    log = said(server, build)
    assert state == "succeeded", log
    for line in ("first | from the commit", "second | a", "second | got 1", "third | third", "worker | all of it"):
        assert line in log
    until(lambda: not pods(namespace, "job") and not pods(namespace, "build"))
    found = [job["id"] for job in server.build(build)["jobs"] if job["name"] == "first"]
    assert server.http.get(f"/api/builds/{build}/jobs/{found[0]}/artifacts").status_code == 200


def test_a_server_that_is_killed_adopts_what_a_worker_pod_had_started(server, namespace, push):
    """The worker lives on, its job too; each line is in the log once, in order, and nothing ran twice."""
    build = push("owner/long", LONG)
    until(lambda: "long | line 20\n" in said(server, build))
    uids = {pod["metadata"]["uid"] for pod in pods(namespace, "job")}
    server.stop(signal.SIGKILL)
    server.start()
    until(lambda: "long | line 60\n" in said(server, build))
    assert {pod["metadata"]["uid"] for pod in pods(namespace, "job")} == uids
    found = ended(server, build)
    log = said(server, build)
    assert (found["state"], found["attempt"]) == ("succeeded", 1), log
    lines = [line for line in log.splitlines() if line.startswith("long | line ")]
    assert lines == [f"long | line {number}" for number in range(1, 81)]
    assert "worker | the end" in log
