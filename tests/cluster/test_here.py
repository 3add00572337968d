"""`brignb run` and a plain script with jobs in a cluster; what is wrong with the cluster is told before anything begins, with exit 3."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import kube
import nbformat
import pytest

from brignb.executors.kubernetes.rights import RIGHTS, role

NOTEBOOK = """from brignb import events, Job, Group
@events.on("exec")
async def go(event, project):
    first = Job("first", {image!r}, tasks=["cat data", "echo WHAT=$WHO >> $BRIGNB_OUTPUT", "mkdir d; echo a > d/a"],
                env={{"WHO": "me"}}, artifacts=["d/*"])
    await first.run()
    second = Job("second", {image!r}, tasks=["echo got $W; cat d/a"], env={{"W": first.output("WHAT")}}, inputs=[first])
    await Group.concurrent(second, Job("third", {image!r}, tasks=["echo third"], use_source=False)).run()
"""


@pytest.fixture(scope="module")
def namespace():
    with kube.namespace() as name:
        yield name


@pytest.fixture
def folder(tmp_path):
    """A notebook with a file beside it."""
    cell = nbformat.v4.new_code_cell(NOTEBOOK.format(image=kube.IMAGE))
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "brignb.ipynb")
    (tmp_path / "data").write_text("from the author's folder\n")
    return tmp_path


def brignb(folder, *words, **environment):
    more = {"BRIGNB_KUBERNETES_HELPER_IMAGE": kube.IMAGE, **environment}
    env = {name: value for name, value in {**os.environ, **more}.items() if value is not None}
    argv = [sys.executable, "-m", "brignb", *words]
    return subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False)


def run(folder, **environment):
    return brignb(folder, "run", "brignb.ipynb", "--executor", "kubernetes", **environment)


def test_a_notebooks_build_runs_in_the_cluster(folder, namespace):
    """Source, secrets' env, outputs, artifacts, groups: as on the process executor, but for the name."""
    ended = run(folder, BRIGNB_KUBERNETES_NAMESPACE=namespace)
    assert ended.returncode == 0, ended.stderr
    for line in ("first | from the author's folder", "second | got me", "second | a", "third | third"):
        assert line in ended.stdout
    assert "first | scheduled on " in ended.stdout
    left = kube.asked("GET", f"/api/v1/namespaces/{namespace}/pods")["items"]
    assert [pod for pod in left if "deletionTimestamp" not in pod["metadata"]] == [], (
        "its pods are its own to take away"
    )


def test_a_project_can_name_the_executor_and_its_namespace(folder, namespace):
    """The project file's `executor` and `namespace`, as Brigade v1 has them."""
    (folder / "project.yaml").write_text(
        json.dumps({"project": "some/body", "executor": "kubernetes", "kubernetes": {}, "namespace": namespace})
    )
    ended = brignb(folder, "run", "brignb.ipynb")
    assert ended.returncode == 0, ended.stderr
    assert "first | scheduled on " in ended.stdout


def test_a_plain_script_runs_jobs_in_the_cluster(tmp_path, namespace):
    """As in a notebook's cell: no server, no project file."""
    script = f"from brignb import Job, project\nproject.executor = 'kubernetes'\njob = Job('hello', {kube.IMAGE!r}, tasks=['echo hi']).run().wait()\nprint(job.logs, job.exit_code)"
    environment = {"BRIGNB_KUBERNETES_NAMESPACE": namespace}
    env = {**os.environ, **environment, "BRIGNB_KUBERNETES_HELPER_IMAGE": kube.IMAGE}
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stdout.split()) == (0, ["hi", "0"]), ended.stderr


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"KUBECONFIG": "/no/such/file"}, ["there is no kubeconfig", "/no/such/file"]),
        ({"BRIGNB_KUBERNETES_CONTEXT": "no-such-context"}, ["no-such-context", "get-contexts"]),
    ],
)
def test_no_cluster_is_told_before_anything_begins(folder, environment, words):
    """Exit 3, and what to do."""
    kube.need()
    ended = run(folder, **environment)
    assert (ended.returncode, ended.stdout) == (3, "")
    for word in words:
        assert word in ended.stderr


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"server": "https://127.0.0.1:1"}, ["127.0.0.1:1", "cannot be reached"]),
        ({"token": "expired"}, ["does not take these credentials", "log in again"]),
    ],
)
def test_a_cluster_that_will_not_answer_is_told_before_anything_begins(folder, kubeconfig, change, words):
    """The same; no credential is shown."""
    ended = run(folder, KUBECONFIG=kubeconfig(**change))
    assert (ended.returncode, ended.stdout) == (3, "")
    for word in words:
        assert word in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_listed_rights_are_all_that_is_needed(folder, namespace, kubeconfig):
    """An account with nothing but them runs everything above; the namespace is its context's."""
    own = kube.token(namespace, "enough")
    kube.grant(namespace, "enough", role("enough", namespace))
    ended = run(folder, KUBECONFIG=kubeconfig(token=own, namespace=namespace))
    assert ended.returncode == 0, ended.stderr
    assert "second | a" in ended.stdout


def test_missing_rights_are_named_before_anything_begins(folder, namespace, kubeconfig):
    """All of them at once, in RBAC's words."""
    own = kube.token(namespace, "little")
    rights = role("little", namespace)
    rights["rules"] = [rule for rule in rights["rules"] if rule["resources"] != ["pods/attach"]]
    kube.grant(namespace, "little", rights)
    ended = run(folder, KUBECONFIG=kubeconfig(token=own, namespace=namespace))
    assert (ended.returncode, ended.stdout) == (3, "")
    assert "not allowed to get pods/attach, create pods/attach" in ended.stderr
    assert len(RIGHTS) == 6
