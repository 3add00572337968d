"""Jobs on a real cluster: see `tests/kube.py`."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import kube
import pytest
import yaml
from pods import Cluster
from workers import workers

from brignb.controller.pods import manifest, tending


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/cluster" in str(item.path):
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.cluster)


@pytest.fixture(scope="session")
def namespace():
    with kube.namespace() as name:
        yield name


@pytest.fixture
async def cluster(namespace, tmp_path):
    executor = kube.executor(tmp_path / "work", namespace)
    yield Cluster(executor, namespace, tmp_path)
    await executor.close()


@pytest.fixture
async def ground(namespace, tmp_path, monkeypatch):
    """A controller of worker pods, which does not lead yet."""
    monkeypatch.setattr(tending, "LOOK", 0.5)
    async with workers(tmp_path, namespace) as found:
        yield found
        await found.clear()


@pytest.fixture
def runs(monkeypatch):
    """What stands in the worker's place: a shell script, the worker's arguments in "$@"."""

    def script(text: str) -> None:
        monkeypatch.setattr(manifest, "COMMAND", ("sh", "-c", text, "worker"))

    return script


@pytest.fixture
def part():
    """Kills, starts, pauses and resumes a part of the cluster: `$BRIGNB_CLUSTER_PART` is a program that can."""
    kube.need()
    program = os.environ.get("BRIGNB_CLUSTER_PART")
    if not program:
        pytest.skip("BRIGNB_CLUSTER_PART names no program that kills parts of the cluster")

    def act(what: str, name: str) -> None:
        subprocess.run(
            [program, what, name], check=True, timeout=30, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    return act


@pytest.fixture
def kubeconfig(tmp_path):
    """This cluster's, changed."""
    kube.need()
    base = yaml.safe_load(Path(os.environ["KUBECONFIG"].split(os.pathsep)[0]).read_text("utf-8"))

    def changed(**changes):
        config = json.loads(json.dumps(base))
        current = next(each["context"] for each in config["contexts"] if each["name"] == config["current-context"])
        if "token" in changes:
            config["users"] = [{"name": current["user"], "user": {"token": changes["token"]}}]
        if "server" in changes:
            for each in config["clusters"]:
                each["cluster"]["server"] = changes["server"]
        current["namespace"] = changes.get("namespace", "default")
        path = tmp_path / "kubeconfig"
        path.write_text(json.dumps(config))
        return str(path)

    return changed
