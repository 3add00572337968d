"""`brignb serve --executor kubernetes`: workers of this machine, without anything of the cluster, whose jobs the server starts as pods."""

from __future__ import annotations

import time

import kube
import pytest
from e2e.conftest import Pipeline, Repository, Server, git

WITHIN = 60

NOTEBOOK = """from brignb import events, Job, Group, Storage
import os
@events.on("exec")
async def go(event, project):
    assert "KUBECONFIG" not in os.environ
    first = Job("first", {image!r}, tasks=["cat data", "echo WHAT=$WHO >> $BRIGNB_OUTPUT", "mkdir d; echo a > d/a"],
                env={{"WHO": project.secrets["CANARY"]}}, artifacts=["d/*"])
    await first.run()
    second = Job("second", {image!r}, tasks=["echo got $W; cat d/a"], env={{"W": first.output("WHAT")}}, inputs=[first])
    await Group.concurrent(second, Job("third", {image!r}, tasks=["echo third"], use_source=False)).run()
"""
PRIVILEGED = """from brignb import events, Job
@events.on("exec")
async def go(event, project):
    await Job("grab", {image!r}, tasks=["echo mine"], privileged=True, use_source=False).run()
"""


@pytest.fixture(scope="module")
def namespace():
    with kube.namespace() as name:
        yield name


@pytest.fixture
def server(namespace, tmp_path, monkeypatch):
    monkeypatch.setenv("BRIGNB_KUBERNETES_NAMESPACE", namespace)
    monkeypatch.setenv("BRIGNB_KUBERNETES_HELPER_IMAGE", kube.IMAGE)
    monkeypatch.setenv("BRIGNB_KUBERNETES_GRACE", "1")
    running = Server(tmp_path / "home", "--executor", "kubernetes").start()
    yield running
    running.stop()


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch", "master")
    return Repository(folder)


def build(server, repository, text, **facts):
    """A build of that notebook, once it has ended."""
    commit = repository.commit(Pipeline.notebook(text.format(image=kube.IMAGE)), data="from the repository\n")
    assert server.create(Pipeline.file("tests/cluster", repository.url, **facts)).status_code == 201
    event = {"type": "exec", "revision": {"commit": commit}}
    build_id = server.http.post("/api/projects/tests/cluster/events", json=event).json()["build"]
    return ended(server, build_id)


def ended(server, build_id):
    until = time.monotonic() + WITHIN
    while time.monotonic() < until:
        found = server.http.get(f"/api/builds/{build_id}").json()
        if found["finished_at"]:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{build_id} has not ended: {found}; {server.log.read_text()}")


def said(server, found):
    return server.http.get(f"/api/builds/{found['id']}/logs").text


def pods(namespace):
    found = kube.asked("GET", f"/api/v1/namespaces/{namespace}/pods")["items"]
    return [pod["metadata"]["name"] for pod in found if "deletionTimestamp" not in pod["metadata"]]


def test_a_builds_jobs_run_as_pods(server, repository, namespace):
    """Source, secrets' variables, outputs, artifacts, groups; the worker has no rights, and nothing is left."""
    found = build(server, repository, NOTEBOOK)
    log = said(server, found)
    assert found["state"] == "succeeded", log
    for line in ("first | from the repository", "second | got REDACTED", "second | a", "third | third"):
        assert line in log
    assert "first | scheduled on " in log
    assert Pipeline.canary not in log
    assert pods(namespace) == []


def test_the_operators_lock_is_the_servers(server, repository, namespace):
    """The project's lock is open by default, as in Brigade v1; nothing of the job is made."""
    found = build(server, repository, PRIVILEGED)
    assert (found["state"], found["reason"]) == ("failed", "job_failed")
    assert [(job["state"], job["reason"]) for job in found["jobs"]] == [("failed", "refused")]
    assert "serve --allow privileged" in said(server, found)
    assert pods(namespace) == []
