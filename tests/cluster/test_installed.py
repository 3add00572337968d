"""The system as its chart installs it: builds and their jobs are pods, nobody in it is root, an upgrade loses nothing."""

from __future__ import annotations

import json
import time

import images
import kube
import pytest
from installed import CHARTS, RELEASE, installed

WITHIN = 120
"""Seconds for anything here."""
WAITS = f"""import os
from brignb import Job, events
@events.on("exec")
async def go():
    print("worker", os.getuid(), flush=True)
    await Job("waits", {kube.IMAGE!r}, tasks=["id -u", "until [ -e /tmp/go ]; do sleep 0.1; done", "echo went"]).run()
"""
QUICK = "print('ran')"
SECRET = "of-the-generic-gateway"
OURS = "app.kubernetes.io/instance=brignb,app.kubernetes.io/name=brignb"
WORKERS = "app.kubernetes.io/managed-by=brignb,component=build"
JOBS = "app.kubernetes.io/managed-by=brignb,component=job"
SENDER = """import json, os, time, urllib.error, urllib.request
while not os.path.exists("/tmp/stop"):
    asked = urllib.request.Request(URL, data=b"{}", headers={"content-type": "application/json"})
    try:
        print("took", json.load(urllib.request.urlopen(asked, timeout=20))["build"], flush=True)
    except (OSError, urllib.error.URLError) as error:
        print("not", error, flush=True)
    time.sleep(1)
"""


def until(found, what: str):
    """What it answers, once that is something."""
    end = time.monotonic() + WITHIN
    while time.monotonic() < end:
        if answer := found():
            return answer
        time.sleep(0.2)
    raise AssertionError(f"it did not come: {what}")


def notebook(source: str) -> str:
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return json.dumps({"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5})


def project(system, name: str, source: str) -> None:
    facts = {"project": name, "defaultNotebook": notebook(source), "genericGatewaySecret": SECRET}
    system.http.post("/api/projects?replace=true", content=json.dumps(facts)).raise_for_status()


def fire(system, name: str) -> str:
    """The build's id."""
    answer = system.http.post(f"/api/projects/{name}/events", json={"type": "exec"})
    return answer.raise_for_status().json()["build"]


def ended(system, build: str) -> dict:
    """The build, once it has ended."""

    def over():
        found = system.http.get(f"/api/builds/{build}").raise_for_status().json()
        return found if found["state"] not in {"pending", "running"} else None

    return until(over, f"the end of {build}")


def running(system, labels: str, *, of: str = "name") -> list[str]:
    """Names, or uids, of pods that run."""
    selected = ["--selector", labels, "--field-selector", "status.phase=Running"]
    output = f"jsonpath={{range .items[*]}}{{.metadata.{of}}} {{end}}"
    return system.kubectl("get", "pods", *selected, "--output", output).split()


def inside(system, pod: str, script: str) -> str:
    return system.kubectl("exec", pod, "--", "sh", "-c", script)


@pytest.fixture(scope="module", params=[False, True], ids=["parts", "single"])
def system(request):
    kube.need_program("helm")
    with installed(single=request.param, cr={"enabled": True}) as system:
        yield system


def test_builds_and_jobs_are_pods_and_nobody_is_root(system):
    """Asked of every process that runs: who it is, and whether it can write where its image is. (A job's image is its author's.)"""
    project(system, "tests/waits", WAITS)
    build = fire(system, "tests/waits")
    (job,) = until(lambda: running(system, JOBS), "the job's pod")
    workers = running(system, WORKERS)
    assert len(workers) == 1
    for pod in [*running(system, OURS), *workers]:
        said = inside(system, pod, "id -u; touch /x 2>&1; ls /var/run/secrets/kubernetes.io 2>&1; true").splitlines()
        assert said[0] != "0", pod
        assert "Read-only file system" in said[1], pod
        if pod in workers:
            assert "No such file" in said[2]
    inside(system, job, "touch /tmp/go")
    found = ended(system, build)
    assert (found["state"], found["attempt"], [each["state"] for each in found["jobs"]]) == (
        "succeeded",
        1,
        ["succeeded"],
    )
    log = system.http.get(f"/api/builds/{build}/logs").text
    assert "worker 1000" in log
    assert "waits | 1000" in log
    assert "waits | went" in log
    until(lambda: not running(system, WORKERS), "the worker's end")


def test_a_policy_stands_before_each_pod(system):
    """That it is held to is the network's business, which the test below asks where there is one that does."""
    found = json.loads(system.kubectl("get", "networkpolicies", "--output", "json"))["items"]
    selected = []
    for each in found:
        assert each["spec"]["policyTypes"] == ["Ingress"]
        labels = each["spec"]["podSelector"].get("matchLabels", {})
        if "matchExpressions" not in each["spec"]["podSelector"]:
            selected += running(system, ",".join(f"{key}={value}" for key, value in labels.items()))
    assert sorted(selected) == sorted(running(system, OURS))
    assert selected


def test_an_upgrade_loses_no_build():
    """All parts are replaced, the database among them, while a build runs and a sender sends: what was acknowledged runs, once."""
    kube.need_program("helm")
    with installed() as system:
        project(system, "tests/waits", WAITS)
        project(system, "tests/quick", QUICK)
        build = fire(system, "tests/waits")
        (job,) = until(lambda: running(system, JOBS), "the job's pod")
        before = set(running(system, OURS, of="uid"))
        _send(system)
        until(lambda: "took" in system.kubectl("logs", "sender"), "the first event")
        values = json.loads(system.helm("get", "values", RELEASE, "--output", "json"))
        chart = str(CHARTS / "brignb")
        values["podAnnotations"] = {"example.com/turn": "2"}
        system.helm("upgrade", RELEASE, chart, "--wait", "--timeout", "3m", values=values)
        until(lambda: not before & set(running(system, OURS, of="uid")), "new pods")
        inside(system, "sender", "touch /tmp/stop")
        system.kubectl("wait", "pod/sender", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s")
        taken = [line.split()[1] for line in system.kubectl("logs", "sender").splitlines() if line.startswith("took")]
        system.close()
        system.connect()
        assert system.http.get(f"/api/builds/{build}").json()["state"] == "running"
        inside(system, job, "touch /tmp/go")
        found = ended(system, build)
        assert (found["state"], found["attempt"]) == ("succeeded", 1)
        assert "waits | went" in system.http.get(f"/api/builds/{build}/logs").text
        assert {ended(system, each)["state"] for each in taken} == {"succeeded"}


def _send(system) -> None:
    """A pod that sends events to the gateway's Service, one a second, until it is told to stop."""
    url = f"http://{RELEASE}-generic:8081/simpleevents/v1/tests%2Fquick/{SECRET}"
    locked = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    container = {
        "name": "sender",
        "image": images.worker(),
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-c", f"URL = {url!r}\n{SENDER}"],
        "securityContext": locked,
    }
    user = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {"containers": [container], "restartPolicy": "Never", "securityContext": user}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "sender"}, "spec": spec}
    system.kubectl("create", "--filename", "-", stdin=json.dumps(pod))
    system.kubectl("wait", "pod/sender", "--for=condition=Ready", "--timeout=60s")
