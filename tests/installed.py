"""The system installed in a cluster, as a user installs it: by its chart, in a namespace of its own, with this tree's images.

values ──helm install──▶ System: http (the API), kubectl, forward ──▶ helm uninstall, the namespace goes
"""

from __future__ import annotations

import base64
import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import images
import kube

CHARTS = Path(__file__).parents[1] / "deploy" / "charts"
POSTGRESQL = "docker.io/library/postgres:17-alpine"
RELEASE = "brignb"


class System:
    """See the module.

    Args:
        namespace: Where it is.
    """

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self._forwards: list[subprocess.Popen[str]] = []
        self.http = httpx.Client()

    def kubectl(self, *words: str, stdin: str | None = None) -> str:
        """What it prints."""
        asked = ["kubectl", "--namespace", self.namespace, *words]
        done = subprocess.run(asked, input=stdin, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def helm(self, *words: str, values: dict[str, Any] | None = None) -> str:
        """The same of helm; `values` as its standard input."""
        given = ["--values", "-"] if values is not None else []
        asked = ["helm", "--namespace", self.namespace, *words, *given]
        done = subprocess.run(
            asked, input=json.dumps(values or {}), capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def secret(self, name: str) -> dict[str, bytes]:
        """What a Secret holds."""
        found = json.loads(self.kubectl("get", "secret", name, "--output", "json"))
        return {key: base64.b64decode(value) for key, value in found["data"].items()}

    def forward(self, target: str, port: int) -> str:
        """`host:port` here, that leads to a port of a Service or a pod."""
        process = subprocess.Popen(
            ["kubectl", "--namespace", self.namespace, "port-forward", target, f":{port}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._forwards.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "Forwarding from 127.0.0.1:" in line, f"{target}: not forwarded"
        return "127.0.0.1:" + line.split("127.0.0.1:")[1].split()[0]

    def connect(self) -> None:
        """`http` speaks to the API from now on."""
        token = self.secret(RELEASE)["token"].decode()
        base = f"http://{self.forward(f'service/{RELEASE}-api', 7745)}"
        self.http = httpx.Client(base_url=base, headers={"authorization": f"Bearer {token}"}, timeout=60)

    def story(self) -> str:
        """How its pods are and what they have said, for whoever asks why."""
        pods = self.kubectl("get", "pods", "--output", "wide")
        events = self.kubectl("get", "events", "--sort-by", ".lastTimestamp")
        labels = f"app.kubernetes.io/instance={RELEASE}"
        logs = self.kubectl("logs", "--selector", labels, "--prefix", "--tail", "30", "--ignore-errors")
        return f"{pods}\n{events[-4000:]}\n{logs}"

    def close(self) -> None:
        """Let go of what leads there."""
        self.http.close()
        for process in self._forwards:
            process.terminate()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def values(**more: Any) -> dict[str, Any]:
    """What a cluster wants that reaches no registry: this tree's images, which it has now."""
    context = Path(__file__).parent / "cluster" / "images" / "postgres"
    images.loaded(images.built(POSTGRESQL, context, args={"BASE": images.BASE}))
    ours = {"server": images.server(), "worker": images.worker()}
    return {"image": ours, "jobs": {"helperImage": kube.IMAGE}, **more}


@contextlib.contextmanager
def installed(**more: Any) -> Iterator[System]:
    """Installed and ready; `more` are values."""
    with kube.namespace() as namespace:
        system = System(namespace)
        try:
            system.helm("install", RELEASE, str(CHARTS / "brignb"), "--wait", "--timeout", "3m", values=values(**more))
            system.connect()
            yield system
        except BaseException:
            print(system.story(), file=sys.stderr)
            raise
        finally:
            system.close()
