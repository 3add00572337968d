"""A cluster for tests: whatever `$KUBECONFIG` names. Tests that need one are skipped, saying so, where there is none; in CI that fails.

`$BRIGNB_TEST_IMAGE` is an image with a POSIX shell that the cluster can have; `$BRIGNB_NO_CLUSTER` says that CI has no cluster on purpose.
"""

from __future__ import annotations

import asyncio
import functools
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from brignb.cluster.connection import connect
from brignb.errors import BrignbError
from brignb.executors.kubernetes.attaching import PROTOCOLS
from brignb.executors.kubernetes.cluster import Cluster
from brignb.executors.kubernetes.executor import KubernetesExecutor
from brignb.executors.kubernetes.settings import Settings

IMAGE = os.environ.get("BRIGNB_TEST_IMAGE", "localhost/busybox:1")
SETTINGS = Settings(helper_image=IMAGE, grace=1, pull_grace=4, schedule_grace=4)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


async def ask(method: str, path: str, body=None, **params):
    """One request to the API server."""
    connection = await connect()
    try:
        return await connection.ask(method, path, body, **params)
    finally:
        await connection.close()


async def run(namespace: str, pod: str, script: str) -> str:
    """What a shell script in a pod's first container writes."""
    connection = await connect()
    words = [("command", word) for word in ("sh", "-c", script)]
    params = [*words, ("stdout", "true"), ("stderr", "true")]
    try:
        where = f"/api/v1/namespaces/{namespace}/pods/{pod}/exec"
        socket = await connection.socket(where, params, PROTOCOLS)
        try:
            return b"".join([part.data[1:] async for part in socket if part.data[0] in {1, 2}]).decode()
        finally:
            await socket.close()
    finally:
        await connection.close()


def asked(method: str, path: str, body=None, **params):
    """The same, waited for, wherever one stands."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(ask(method, path, body, **params))).result()


def text(path: str) -> str:
    """What the API server answers that is no JSON: a log."""

    async def read() -> str:
        connection = await connect()
        try:
            answer = await connection.open("GET", path)
            return (await answer.read()).decode()
        finally:
            await connection.close()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(read())).result()


@functools.cache
def why_not() -> str | None:
    """Why there is no cluster; None: there is one."""
    if not os.environ.get("KUBECONFIG"):
        return "KUBECONFIG names no cluster"
    try:
        asked("GET", "/api/v1/namespaces", limit=1)
    except BrignbError as error:
        return str(error)
    return None


def need() -> None:
    """Skip where there is no cluster; in CI, fail."""
    if why := why_not():
        if os.environ.get("CI") == "true" and not os.environ.get("BRIGNB_NO_CLUSTER"):
            pytest.fail(f"no cluster: {why}")
        pytest.skip(f"no cluster: {why}")


def need_program(name: str) -> None:
    """The same of a program: helm comes with the cluster in CI."""
    if shutil.which(name) is None:
        if os.environ.get("CI") == "true" and not os.environ.get("BRIGNB_NO_CLUSTER"):
            pytest.fail(f"no {name} on PATH")
        pytest.skip(f"no {name} on PATH")


@contextmanager
def namespace(*, profile: str = "restricted") -> Iterator[str]:
    """A namespace of its own, that enforces a profile of the Pod Security Standards."""
    need()
    name = f"brignb-test-{secrets.token_hex(4)}"
    labels = {"pod-security.kubernetes.io/enforce": profile}
    asked("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
    try:
        yield name
    finally:
        asked("DELETE", f"/api/v1/namespaces/{name}")


def executor(work: Path, where: str, **more) -> KubernetesExecutor:
    """One for that namespace."""
    made = Cluster(**{"namespace": where, **{name: more.pop(name) for name in ("context", "build_id") if name in more}})
    return KubernetesExecutor(work, now_ms=now_ms, **{"settings": SETTINGS, "cluster": made, **more})


def token(namespace: str, name: str) -> str:
    """Of a service account of that name, made here."""
    where = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    asked("POST", where, {"metadata": {"name": name}})
    return asked("POST", f"{where}/{name}/token", {"spec": {"expirationSeconds": 3600}})["status"]["token"]


def grant(namespace: str, name: str, rights: dict) -> None:
    where = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    asked("POST", f"{where}/roles", rights)
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": rights["metadata"]["name"]}
    subjects = [{"kind": "ServiceAccount", "name": name, "namespace": namespace}]
    asked("POST", f"{where}/rolebindings", {"metadata": {"name": name}, "roleRef": reference, "subjects": subjects})
