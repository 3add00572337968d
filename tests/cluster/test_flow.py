"""The reference pipeline, whole: the guide's first chapter, typed as it stands, on whatever `$KUBECONFIG` names.

The Docker daemon, the registry and its notifications, git and PostgreSQL are real; GitHub's webhook is signed as GitHub's is; Slack is played.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import images
import kube
import pytest
import yaml
from chapter import Step, Terminal, steps
from installed import values

ROOT = Path(__file__).parents[2]
CHAPTER = steps(ROOT / "docs/kubernetes.md", "From nothing")
AWAY = "Away with it"
NAMES = {
    "docker": "docker.io/library/docker:stable-dind",
    "registry": "docker.io/library/registry:2",
    "slack-notify": "docker.io/technosophos/slack-notify:latest",
}
"""What the project and the stand-ins ask for by names that this cluster can reach no registry for."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Reader:
    """Who types the chapter: in a folder with a checkout and a `values.yaml`, with a kubeconfig, in a namespace and on ports of their own."""

    def __init__(self, folder: Path, values: dict) -> None:
        self.namespace = f"brignb-flow-{secrets.token_hex(3)}"
        self.api = free_port()
        own = folder / "kubeconfig"
        config = Path(os.environ["KUBECONFIG"].split(os.pathsep)[0]).read_text("utf-8")
        own.write_text(config)
        own.chmod(0o600)
        (folder / "deploy").symlink_to(ROOT / "deploy")
        (folder / "values.yaml").write_text(yaml.safe_dump(values))
        programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self.environment = {"KUBECONFIG": str(own), "PATH": programs, "BRIGNB_HOME": str(folder / "home")}
        self.terminal = Terminal(folder, self.environment)
        self._words = {
            "namespace brignb": f"namespace {self.namespace}",
            "8744": str(free_port()),
            "8745": str(self.api),
        }

    def type(self, step: Step) -> str:
        text = step.text
        for theirs, ours in self._words.items():
            text = text.replace(theirs, ours)
        done = self.terminal.type(Step(step.heading, text))
        print(f"{done.seconds:6.1f} s  {done.heading}\n{done.said}")
        return done.said

    def kubectl(self, *words: str) -> str:
        asked = ["kubectl", "--namespace", self.namespace, *words]
        done = subprocess.run(
            asked, env={**os.environ, **self.environment}, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def builds(self) -> list[dict]:
        """Oldest first."""
        token = self.terminal.type(Step("token", "echo $BRIGNB_TOKEN")).said.strip()
        headers = {"authorization": f"Bearer {token}"}
        answer = httpx.get(f"http://127.0.0.1:{self.api}/api/builds", headers=headers, timeout=30)
        return answer.raise_for_status().json()["items"][::-1]


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    kube.need()
    context = Path(__file__).parent / "images"
    made = [images.built(name, context / folder, args={"BASE": images.BASE}) for folder, name in NAMES.items()]
    images.loaded(*made)
    someone = Reader(tmp_path_factory.mktemp("reader"), values())
    with someone.terminal:
        yield someone
    kube.asked("DELETE", f"/api/v1/namespaces/{someone.namespace}", missing_ok=True)


def test_a_push_becomes_a_message(reader):
    said = ""
    for step in CHAPTER:
        if step.heading == AWAY:
            break
        said += reader.type(step)
    assert "BrigadeBot: New Build flask:latest available!" in said

    push, image_push = reader.builds()
    assert (push["event"]["type"], push["event"]["source"], push["state"]) == ("push", "github", "succeeded")
    assert push["event"]["revision"]["commit"] in said
    assert [job["name"] for job in push["jobs"]] == ["dind"]
    assert (image_push["event"]["type"], image_push["event"]["source"]) == ("image_push", "registry")
    assert [job["name"] for job in image_push["jobs"]] == ["slack-notify"]
    assert image_push["state"] == "succeeded"


def test_azures_webhook_reaches_the_load_balancer(reader):
    """As Azure Container Registry calls it: on port 80, from somewhere else."""


def test_nothing_is_left(reader):
    for step in CHAPTER:
        if step.heading == AWAY:
            reader.type(step)
    there = kube.asked("GET", "/api/v1/namespaces")["items"]
    assert reader.namespace not in {each["metadata"]["name"] for each in there}
