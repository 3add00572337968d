"""Builds in pods, whole: a server process on this machine, the worker's own image in the cluster, and what a person sees in the API."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import signal
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import images
import kube
import pytest
import yaml
from e2e.conftest import Pipeline, Repository, Server, git

from brignb.model.times import parse_rfc3339

NOTEBOOK = """from brignb import events, Job
from pathlib import Path
print("first line")
@events.on("*")
async def go(event, project):
    print("canary:", project.secrets["CANARY"])
    print("source:", Path("data").read_text() if Path("data").exists() else "none", Path.cwd())
    job = Job("inside", tasks=["echo a job", "echo N=1 >> $BRIGNB_OUTPUT"], use_source=False)
    await job.run()
    print("outputs:", job.outputs["N"])
"""
SLOW = """from brignb import events
import time
print("first line")
time.sleep(6)
@events.on("*")
def go(event, project):
    print("the end")
"""


def address() -> str:
    """Of this machine, as pods see it: `$BRIGNB_TEST_ADDRESS`, else the one that it has towards the cluster."""
    if given := os.environ.get("BRIGNB_TEST_ADDRESS"):
        return given
    config = yaml.safe_load(Path(os.environ["KUBECONFIG"].split(os.pathsep)[0]).read_text("utf-8"))
    server = urlsplit(config["clusters"][0]["cluster"]["server"])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((server.hostname, server.port))
        return probe.getsockname()[0]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def namespace():
    with kube.namespace() as name:
        yield name


@pytest.fixture
def server(namespace, tmp_path, monkeypatch):
    port = free_port()
    monkeypatch.setenv("BRIGNB_WORKER_IMAGE", images.worker())
    monkeypatch.setenv("BRIGNB_WORKER_NAMESPACE", namespace)
    monkeypatch.setenv("BRIGNB_WORKER_SERVER", f"http://{address()}:{port}")
    running = Server(tmp_path / "home", "--workers-as", "pods", "--host", "0.0.0.0", "--port", str(port)).start()
    yield running
    running.stop()
    for kind in ("pods", "secrets"):
        where = f"/api/v1/namespaces/{namespace}/{kind}"
        kube.asked("DELETE", where, {"gracePeriodSeconds": 0}, labelSelector="app.kubernetes.io/managed-by=brignb")


def create(server, name, text, url=None, **more):
    answer = server.create(Pipeline.file(name, url, **({} if url else {"defaultNotebook": text}), **more))
    assert answer.status_code == 201, answer.text


def event(server, project):
    answer = server.http.post(f"/api/projects/{project}/events", json={"type": "push", "payload": "{}"})
    assert answer.status_code == 202, answer.text
    return answer.json()["build"]


def ended(server, build):
    server.follow(build)
    return server.build(build)


def pods(namespace, component):
    found = kube.asked("GET", f"/api/v1/namespaces/{namespace}/pods", labelSelector=f"component={component}")
    return [each for each in found["items"] if "deletionTimestamp" not in each["metadata"]]


def until(true):
    end = time.monotonic() + 60
    while not (found := true()):
        assert time.monotonic() < end
        time.sleep(0.1)
    return found


def test_a_build_runs_in_a_pod_of_its_own_and_leaves_its_record(server, namespace, tmp_path):
    """Source from the server, secrets from its Secret, a job beside it; the record and the logs outlive the pod, which goes."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch", "master")
    commit = Repository(folder).commit(Pipeline.notebook(NOTEBOOK), data="from the commit")
    create(server, "owner/cold", None, Repository(folder).url)
    answer = server.push("owner/cold", commit)
    build = ended(server, answer.json()["build"])
    logs = server.http.get(f"/api/builds/{build['id']}/logs").text
    assert (build["state"], build["attempt"]) == ("succeeded", 1), logs
    assert [job["state"] for job in build["jobs"]] == ["succeeded"]
    record = server.http.get(f"/api/builds/{build['id']}/record").json()
    shown = Pipeline.outputs(record) + logs
    for word in ("first line", "from the commit", "a job", "outputs: 1"):
        assert word in shown
    assert Pipeline.canary not in json.dumps(record) + logs
    until(lambda: not pods(namespace, "build"))


def test_warm_workers_take_builds_one_after_the_other(server, namespace):
    """Without a pod of their own, and with the secrets that came with each."""
    create(server, "owner/warm", Pipeline.notebook(NOTEBOOK), warmWorkers=1)
    assert ended(server, event(server, "owner/warm"))["state"] == "succeeded"  # brings it up
    until(lambda: [p for p in pods(namespace, "warm-worker") if p["status"]["phase"] == "Running"])
    until(lambda: not pods(namespace, "build"))

    def warm():
        build = ended(server, event(server, "owner/warm"))
        assert build["state"] == "succeeded"
        until(lambda: not pods(namespace, "build"))
        return parsed(build["started_at"]) - parsed(build["created_at"]) < 2.0

    until(warm)  # its zygote stands by now
    before = {pod["metadata"]["name"] for pod in pods(namespace, "warm-worker")}
    builds = [event(server, "owner/warm") for _ in range(3)]
    assert [ended(server, build)["state"] for build in builds] == ["succeeded"] * 3
    assert {pod["metadata"]["name"] for pod in pods(namespace, "warm-worker")} == before


def test_a_server_that_is_killed_while_builds_run_finds_them_again(server, namespace):
    """They go on without it, and tell the next one; none is run twice."""
    create(server, "owner/slow", Pipeline.notebook(SLOW))
    builds = [event(server, "owner/slow") for _ in range(3)]
    until(lambda: all("first line" in server.http.get(f"/api/builds/{each}/logs").text for each in builds[:2]))
    server.stop(signal.SIGKILL)
    server.start()
    for each in builds:
        build = ended(server, each)
        logs = server.http.get(f"/api/builds/{each}/logs").text
        assert (build["state"], build["attempt"]) == ("succeeded", 1), logs
        assert logs.count("first line") == 1
        assert "the end" in logs


def test_a_workers_token_opens_nothing_but_its_own_build(server, namespace):
    """What runs in a pod can read its token: it is no more than what it does already."""
    create(server, "owner/slow", Pipeline.notebook(SLOW))
    create(server, "owner/other", Pipeline.notebook(SLOW))
    ours, theirs = event(server, "owner/slow"), event(server, "owner/other")
    until(lambda: "first line" in server.http.get(f"/api/builds/{ours}/logs").text)
    secret = kube.asked("GET", f"/api/v1/namespaces/{namespace}/secrets/brignb-worker-{ours.lower()}")
    (pod,) = [each for each in pods(namespace, "build") if each["metadata"]["labels"]["build"] == ours.lower()]
    assert set(secret["data"]) == {"token", "secrets.json"}
    script = f"""
import json, os, urllib.error, urllib.request
token = open("/etc/brignb/token").read().strip()
def ask(path, token, method="GET"):
    made = urllib.request.Request({server_url()!r} + path, method=method, headers={{"Authorization": "Bearer " + token}})
    try:
        return urllib.request.urlopen(made, timeout=10).status
    except urllib.error.HTTPError as error:
        return error.code
kind, build, attempt, mac = token.split(".")
forged = ".".join([kind, {theirs!r}, attempt, mac])
paths = ["/api/projects", "/api/builds/{theirs}", "/api/builds/{theirs}/logs", "/api/builds/{theirs}/record", "/metrics"]
print(json.dumps([[ask(path, token) for path in paths], ask("/api/worker/streams", token), ask("/api/worker/streams", forged),
                  ask("/api/worker/next", token, "POST"), os.path.exists("/var/run/secrets/kubernetes.io")]))
"""
    said = json.loads(run_in(namespace, pod["metadata"]["name"], script))
    assert all(status in {401, 403} for status in said[0]), said
    assert said[1:] == [200, 401, said[3], False]
    assert said[3] in {401, 403}
    assert ended(server, ours)["state"] == "succeeded"


def server_url() -> str:
    return os.environ["BRIGNB_WORKER_SERVER"]


def run_in(namespace, pod, script) -> str:
    return asyncio.run(kube.run(namespace, pod, f"python3 -c {shlex.quote(script)}"))


def parsed(text):
    return parse_rfc3339(text) / 1000
