"""The reference pipeline, whole: the guide's first chapter, typed as it stands, on whatever `$KUBECONFIG` names.

The Docker daemon, the registry and its notifications, git and PostgreSQL are real; GitHub's webhook is signed as GitHub's is; Slack is played.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import images
import installed
import kube
import pytest
import yaml
from chapter import Step, Terminal, steps

ROOT = Path(__file__).parents[2]
CHAPTER = steps(ROOT / "docs/kubernetes.md", "From nothing")
AWAY = "Away with it"
NAMES = {
    "docker": "docker.io/library/docker:stable-dind",
    "registry": "docker.io/library/registry:2",
    "slack-notify": "docker.io/technosophos/slack-notify:latest",
}
"""What the pipeline and the stand-ins ask for by names that belong to registries out of this cluster's reach."""
AZURE = {
    "id": "cb8c3971-9adc-488b-xxxx-43cbb4974ff5",
    "timestamp": "2026-11-17T16:52:01.343145347Z",
    "action": "push",
    "target": {
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "size": 524,
        "digest": "sha256:xxxxd5c8786bb9e621a45ece0dbxxxx1cdc624ad20da9fe62e9d25490f33xxxx",
        "length": 524,
        "repository": "flask",
        "tag": "v2",
    },
    "request": {"id": "3cbb6949-7549-4fa1-xxxx-a6d5451dffc7", "host": "demoacr.azurecr.io", "method": "PUT"},
}
"""What Azure Container Registry posts (its webhook reference's example, with this pipeline's image)."""
CALL = """
import sys, urllib.request
call = urllib.request.Request(sys.argv[1], sys.argv[2].encode(), {"content-type": "application/json"})
print(urllib.request.urlopen(call, timeout=20).status)
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Reader:
    """Who types the chapter: in a folder with a checkout and a `values.yaml`, with a kubeconfig, in a namespace and on ports of their own."""

    def __init__(self, folder: Path, values: dict) -> None:
        self.namespace = f"brignb-test-{secrets.token_hex(4)}"
        self._api = free_port()
        own = folder / "kubeconfig"
        own.write_text(Path(os.environ["KUBECONFIG"].split(os.pathsep)[0]).read_text("utf-8"))
        own.chmod(0o600)
        (folder / "deploy").symlink_to(ROOT / "deploy")
        (folder / "values.yaml").write_text(yaml.safe_dump(values))
        programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self.terminal = Terminal(
            folder, {"KUBECONFIG": str(own), "PATH": programs, "BRIGNB_HOME": str(folder / "home")}
        )
        self._own = {
            "namespace brignb": f"namespace {self.namespace}",
            "8744": str(free_port()),
            "8745": str(self._api),
        }

    def type(self, step: Step) -> str:
        """What the terminal says."""
        text = step.text
        for theirs, ours in self._own.items():
            text = text.replace(theirs, ours)
        done = self.terminal.type(Step(step.heading, text), within=300)
        print(f"{done.seconds:6.1f} s  {done.heading}\n{done.said}")
        return done.said

    def kubectl(self, *words: str) -> str:
        asked = ["kubectl", "--namespace", self.namespace, *words]
        return subprocess.run(asked, check=True, capture_output=True, text=True, timeout=60).stdout

    def builds(self) -> list[dict]:
        """Oldest first."""
        token = self.terminal.type(Step("token", "echo $BRIGNB_TOKEN")).said.strip()
        headers = {"authorization": f"Bearer {token}"}
        answer = httpx.get(f"http://127.0.0.1:{self._api}/api/builds", headers=headers, timeout=30)
        return answer.raise_for_status().json()["items"][::-1]


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    kube.need()
    context = Path(__file__).parent / "images"
    made = [images.built(name, context / folder, args={"BASE": images.BASE}) for folder, name in NAMES.items()]
    images.loaded(*made)
    someone = Reader(tmp_path_factory.mktemp("reader"), installed.values())
    try:
        with someone.terminal:
            yield someone
    finally:
        someone.kubectl("delete", "namespace", someone.namespace, "--ignore-not-found", "--wait=false")


def test_a_push_becomes_a_message(reader):
    said = "".join(reader.type(step) for step in CHAPTER if step.heading != AWAY)
    assert "BrigadeBot: New Build flask:latest available!" in said

    push, image_push = reader.builds()
    assert (push["event"]["type"], push["event"]["source"], push["state"]) == ("push", "github", "succeeded")
    assert [job["name"] for job in push["jobs"]] == ["dind"]
    event = image_push["event"]
    assert (event["type"], event["source"], image_push["state"]) == ("image_push", "registry", "succeeded")
    assert event["revision"] == {"commit": push["event"]["revision"]["commit"], "ref": "master"}
    assert [job["name"] for job in image_push["jobs"]] == ["slack-notify"]


def test_azures_webhook_comes_by_the_load_balancer(reader):
    """Its address, port 80, as Azure calls it from elsewhere; where nobody gives out addresses, a node's is one."""
    service = json.loads(reader.kubectl("get", "service", "brignb-cr", "--output", "json"))
    assert service["spec"]["type"] == "LoadBalancer"
    if not service["status"]["loadBalancer"]:
        node = json.loads(reader.kubectl("get", "nodes", "--output", "json"))["items"][0]
        address = next(each["address"] for each in node["status"]["addresses"] if each["type"] == "InternalIP")
        given = json.dumps({"status": {"loadBalancer": {"ingress": [{"ip": address}]}}})
        reader.kubectl("patch", "service", "brignb-cr", "--subresource=status", "--type=merge", "--patch", given)
        service = json.loads(reader.kubectl("get", "service", "brignb-cr", "--output", "json"))
    given = service["status"]["loadBalancer"]["ingress"][0]
    url = f"http://{given.get('ip') or given['hostname']}:80/events/webhook/example/brigadedemo?commit=master"
    call = ["exec", "deployment/git", "--", "python3", "-c", CALL, url, json.dumps(AZURE)]
    assert reader.kubectl(*call).strip() == "202"
    until = 'until kubectl logs deployment/slack | grep "flask:v2"; do sleep 1; done'
    assert "New Build flask:v2 available!" in reader.terminal.type(Step("Slack", until), within=60).said


def test_nothing_is_left(reader):
    for step in CHAPTER:
        if step.heading == AWAY:
            reader.type(step)
    there = json.loads(reader.kubectl("get", "namespaces", "--output", "json"))["items"]
    assert reader.namespace not in {each["metadata"]["name"] for each in there}
    roles = reader.kubectl("get", "clusterroles,clusterrolebindings", "--output", "name")
    assert "brignb" not in roles
