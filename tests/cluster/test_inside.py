"""Inside the cluster: a pod's own account runs jobs, with the listed rights and no others."""

from __future__ import annotations

import time

import images
import kube
import nbformat
import pytest

from brignb.executors.kubernetes.rights import role

NOTEBOOK = """from brignb import events, Job
@events.on("exec")
async def go(event, project):
    await Job("hello", {image!r}, tasks=["cat data", "echo A=1 >> $BRIGNB_OUTPUT; mkdir d; echo a > d/a"], artifacts=["d/*"]).run()
"""
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": 1000,
    "seccompProfile": {"type": "RuntimeDefault"},
}
WITHIN = 120


@pytest.fixture(scope="module")
def namespace():
    with kube.namespace() as name:
        yield name


def test_a_pods_own_account_runs_jobs(namespace):
    """No kubeconfig, no context: `brignb run` as somebody's CronJob would have it."""
    core = f"/api/v1/namespaces/{namespace}"
    kube.token(namespace, "runner")  # makes the account
    kube.grant(namespace, "runner", role("runner", namespace))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(NOTEBOOK.format(image=kube.IMAGE))])
    files = {"brignb.ipynb": nbformat.writes(notebook), "data": "from the pod's files\n"}
    kube.asked("POST", f"{core}/configmaps", {"metadata": {"name": "files"}, "data": files})
    container = {
        "name": "brignb",
        "image": images.server(),
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", "cp /given/* /tmp && cd /tmp && exec brignb run brignb.ipynb --executor kubernetes"],
        "env": [
            {"name": "BRIGNB_KUBERNETES_HELPER_IMAGE", "value": kube.IMAGE},
            {"name": "BRIGNB_KUBERNETES_GRACE", "value": "1"},
            {"name": "HOME", "value": "/tmp"},
        ],
        "volumeMounts": [{"name": "files", "mountPath": "/given"}],
        "securityContext": RESTRICTED,
    }
    spec = {
        "serviceAccountName": "runner",
        "restartPolicy": "Never",
        "containers": [container],
        "volumes": [{"name": "files", "configMap": {"name": "files"}}],
    }
    kube.asked("POST", f"{core}/pods", {"metadata": {"name": "outer"}, "spec": spec})
    late = time.monotonic() + WITHIN
    while (pod := kube.asked("GET", f"{core}/pods/outer"))["status"]["phase"] not in {"Succeeded", "Failed"}:
        assert time.monotonic() < late, pod["status"]
        time.sleep(0.2)
    log = kube.text(f"{core}/pods/outer/log")
    assert pod["status"]["phase"] == "Succeeded", log
    assert "hello | scheduled on " in log
    assert "hello | from the pod's files" in log
    left = kube.asked("GET", f"{core}/pods", labelSelector="component=job")["items"]
    assert [each for each in left if "deletionTimestamp" not in each["metadata"]] == []
