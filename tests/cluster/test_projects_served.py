"""`brignb serve --projects NAMESPACE`: a Secret's project answers events, and a deletion waits for the build that runs."""

from __future__ import annotations

import time

import httpx
import kube
import pytest
from e2e.conftest import SHARED_SECRET, Pipeline, Server

from brignb.model.names import project_id

NAME = "tests/secret"
WITHIN = 60
NOTEBOOK = """import time
from brignb import events, project
@events.on("simpleevent")
def runs():
    print("characters", len(project.secrets["CANARY"]), flush=True)
    time.sleep(600)
"""


@pytest.fixture
def namespace():
    with kube.namespace() as name:
        yield name


@pytest.fixture
def server(namespace, tmp_path):
    running = Server(tmp_path / "home", "--projects", namespace).start()
    yield running
    running.stop()


def until(found):
    """What it answers, once that is something."""
    end = time.monotonic() + WITHIN
    while time.monotonic() < end:
        if (answer := found()) is not None:
            return answer
        time.sleep(0.05)
    raise AssertionError("it did not come")


def test_from_the_secret_to_the_end(server, namespace):
    """Made by kubectl's way, fired at, edited by nobody else, deleted while its build runs, and gone after it."""
    notebook = Pipeline.notebook(NOTEBOOK)
    texts = {
        "defaultNotebook": notebook,
        "sharedSecret": SHARED_SECRET,
        "genericGatewaySecret": "generic-secret",
        "secrets": f'{{"CANARY": "{Pipeline.canary}"}}',
    }
    labels = {"app": "brigade", "heritage": "brigade", "component": "project"}
    metadata = {"name": project_id(NAME), "labels": labels, "annotations": {"projectName": NAME}}
    where = f"/api/v1/namespaces/{namespace}/secrets"
    kube.asked("POST", where, {"metadata": metadata, "type": "brigade.sh/project", "stringData": texts})
    project = f"/api/projects/{NAME}"
    shown = until(lambda: found.json() if (found := server.http.get(project)).is_success else None)
    assert (shown["keptIn"], shown["secrets"]) == (namespace, {"CANARY": "REDACTED"})

    assert server.http.delete(project).status_code == 409, "the API does not delete what a Secret keeps"
    refused = server.http.post("/api/projects?replace=true", content=Pipeline.file(NAME, "file:///srv/x"))
    assert (refused.status_code, "--kube" in refused.json()["error"]["hint"]) == (409, True)

    simple = f"{server.url}/simpleevents/v1/{project_id(NAME)}/generic-secret"
    build = httpx.post(simple, json={}).json()["build"]
    until(
        lambda: (
            True if f"characters {len(Pipeline.canary)}" in server.http.get(f"/api/builds/{build}/logs").text else None
        )
    )
    kube.asked("DELETE", f"{where}/{project_id(NAME)}")
    until(lambda: True if httpx.post(simple, json={}).status_code == 401 else None)
    assert server.build(build)["state"] == "running"
    server.http.post(f"/api/builds/{build}/cancel")
    until(lambda: True if server.http.get(project).status_code == 404 else None)
    assert server.http.get(f"/api/builds/{build}").status_code == 404
    assert not list((server.home / "builds").glob(build))
    events = kube.asked("GET", f"/api/v1/namespaces/{namespace}/events")["items"]
    said = sorted(each["reason"] for each in events if each["involvedObject"]["kind"] == "Secret")
    assert said == ["Forgotten", "Leaving", "Registered"]
    assert Pipeline.canary not in server.log.read_text()


def test_without_the_option_no_secret_is_taken_up(namespace, tmp_path):
    """A laptop's server does not take up what its kubeconfig happens to lead to."""
    server = Server(tmp_path / "home").start()
    try:
        assert "project Secrets" not in server.log.read_text()
    finally:
        server.stop()


def test_without_a_cluster_it_says_so_and_ends(tmp_path, monkeypatch):
    """A server that only seems to watch would lie."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    server = Server(tmp_path / "home", "--projects", "ci").start()
    assert server.process.wait(timeout=WITHIN) is not None
    server.process.stdout.close()
    server.http.close()
    assert "there is no kubeconfig" in server.log.read_text()
