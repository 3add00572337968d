"""`brignb serve --executor kubernetes`: workers of this machine, without anything of the cluster, whose jobs the server starts as pods."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
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

HELD = """from brignb import events, Job, Storage
@events.on("exec")
async def go(event, project):
    await Job("held", {image!r}, tasks=["echo up", "sleep 600"], use_source=False, storage=Storage(enabled=True)).run()
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


def test_what_a_killed_server_left_is_swept(server, repository, namespace):
    """Its pods, their storage and a Secret whose pod was never made; a person's pod beside them stays."""
    commit = repository.commit(Pipeline.notebook(HELD.format(image=kube.IMAGE)))
    assert server.create(Pipeline.file("tests/cluster", repository.url)).status_code == 201
    event = {"type": "exec", "revision": {"commit": commit}}
    build_id = server.http.post("/api/projects/tests/cluster/events", json=event).json()["build"]
    until(lambda: "held | up" in said(server, {"id": build_id}))
    (pod,) = there("pods", namespace)
    theirs = {**pod["metadata"]["labels"], "brignb.dev/server": "another"}
    orphan = {"metadata": {"name": f"orphan-{build_id.lower()}", "labels": pod["metadata"]["labels"]}}
    kube.asked("POST", f"/api/v1/namespaces/{namespace}/secrets", orphan)
    kube.asked("POST", f"/api/v1/namespaces/{namespace}/secrets", {"metadata": {"name": "theirs", "labels": theirs}})
    assert len(there("persistentvolumeclaims", namespace)) == 1
    server.stop(signal.SIGKILL)
    server.start()
    assert ended(server, build_id)["state"] == "lost"
    until(lambda: not there("pods", namespace) and not there("persistentvolumeclaims", namespace))
    until(lambda: [each["metadata"]["name"] for each in there("secrets", namespace)] == ["theirs"])


def there(kind, namespace):
    selector = "app.kubernetes.io/managed-by=brignb"
    return kube.asked("GET", f"/api/v1/namespaces/{namespace}/{kind}", labelSelector=selector)["items"]


def until(true):
    """What becomes so in another process; within the 35 s that a build's leftovers may last."""
    late = time.monotonic() + 35
    while not true():
        assert time.monotonic() < late
        time.sleep(0.1)


@pytest.mark.parametrize("lacking", ["kubeconfig", "rights"])
def test_a_server_that_could_start_no_job_does_not_begin(namespace, tmp_path, kubeconfig, lacking):
    """Exit 3, with what is missing; a cluster that is away for a moment is another matter."""
    config = str(tmp_path / "none")
    if lacking == "rights":
        config = kubeconfig(token=kube.token(namespace, "nobody"), namespace=namespace)
    argv = [sys.executable, "-m", "brignb", "serve", "--home", str(tmp_path / "home"), "--port", "0"]
    environment = {name: value for name, value in os.environ.items() if name != "BRIGNB_KUBERNETES_NAMESPACE"}
    ended = subprocess.run(
        [*argv, "--executor", "kubernetes"],
        env={**environment, "KUBECONFIG": config},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 3, ended.stderr
    assert {"kubeconfig": "there is no kubeconfig", "rights": "not allowed to create pods"}[lacking] in ended.stderr
