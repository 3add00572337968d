"""Which executor runs the jobs, made of its name, in each kind of process."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from brignb.errors import BadInput
from brignb.executors.process import ProcessExecutor
from brignb.model.assignment import Server
from brignb.model.projects import Project
from brignb.wiring.clock import now_ms

if TYPE_CHECKING:
    from brignb.executors.kubernetes.cluster import Cluster
    from brignb.executors.kubernetes.executor import KubernetesExecutor
    from brignb.executors.seam import Executor

VARIABLE: Final = "BRIGNB_EXECUTOR"
"""Names the executor where neither the command nor the project file does."""
CONTEXT: Final = "BRIGNB_KUBERNETES_CONTEXT"
"""Names a context of the kubeconfig; without it, the current one."""
NAMESPACE: Final = "BRIGNB_KUBERNETES_NAMESPACE"
"""Names the jobs' namespace, for projects that name none; without it, the context's."""
DEFAULT: Final = "process"

_CLUSTER: Final = ("HOME", "HTTPS_PROXY", "NO_PROXY", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT")
"""What the way to a cluster depends on, besides the kubeconfig; programs that get credentials look for their own files in HOME."""


@runtime_checkable
class Keeping(Protocol):
    """An executor that keeps artifacts on this machine."""

    def artifacts(self, job_id: str) -> Path:
        """Where it keeps those of a job, and looks for those of its inputs."""


def known(name: str) -> str:
    """A name of an executor that there is.

    Raises:
        BadInput: There is none of that name, or not yet.
    """
    if name not in {"process", "kubernetes"}:
        raise BadInput(f"the {name} executor is not there yet", where="executor", hint="use process or kubernetes")
    return name


def choose(project: Project, named: str | None = None) -> str:
    """The executor that the command names, else the project, else the environment.

    Raises:
        BadInput: There is none of that name, or not yet.
    """
    return known(named or project.executor or os.environ.get(VARIABLE) or DEFAULT)


def make(
    name: str, work: Path, project: Project, *, build_id: str | None, cache: Path | None, server: Server | None = None
) -> Executor:
    """The executor of that name.

    Args:
        name: As `choose` answers it, or `server`.
        work: A folder for what jobs leave for each other.
        project: Whose jobs; it holds one of the locks.
        build_id: The build's; None: the jobs are of several.
        cache: The folder of what is kept between builds, where that is on this machine.
        server: Who starts the jobs of `server`.
    """
    if name == "server" and server is not None:
        from brignb.client.jobs import ServerExecutor  # noqa: PLC0415 - few need it

        return ServerExecutor(server)
    if name == "kubernetes":
        return in_cluster(work, project, build_id=build_id)
    return ProcessExecutor(work, now_ms=now_ms, cache=cache)


def in_cluster(work: Path, project: Project, *, build_id: str | None) -> KubernetesExecutor:
    """Jobs as pods, by this process's own kubeconfig or account: the cluster's RBAC is the operator's lock."""
    from brignb.executors.kubernetes.executor import KubernetesExecutor  # noqa: PLC0415 - few need it
    from brignb.executors.kubernetes.locks import Rules  # noqa: PLC0415 - the same
    from brignb.executors.kubernetes.settings import Settings  # noqa: PLC0415 - the same

    return KubernetesExecutor(
        work,
        now_ms=now_ms,
        cluster=_cluster(build_id),
        settings=Settings.from_environment().of(project),
        rules=Rules(project=project.policy),
    )


def _cluster(build_id: str | None) -> Cluster:
    """The one that this process's environment names.

    Args:
        build_id: Whose pods are watched; None: those of all builds.
    """
    from brignb.executors.kubernetes.cluster import Cluster  # noqa: PLC0415 - few need it

    return Cluster(context=os.environ.get(CONTEXT), namespace=os.environ.get(NAMESPACE), build_id=build_id)


def check(name: str, project: Project, *, build_id: str) -> None:
    """Whether the executor can run anything at all, asked before a build starts.

    Raises:
        Unreachable: The cluster cannot be reached.
        Refused: It refuses the caller.
    """
    if name == "kubernetes":
        asyncio.run(_check(project, build_id))


async def _check(project: Project, build_id: str) -> None:
    cluster = _cluster(build_id)
    try:
        await cluster.check(project.namespace)
    finally:
        await cluster.close()


def files(name: str) -> list[Path]:
    """What a worker has to see of this machine, to reach the same cluster, wherever it lies: a sandbox has a /tmp of its own."""
    named = os.environ.get("KUBECONFIG", "") if name == "kubernetes" else ""
    return [Path(each).absolute() for each in named.split(os.pathsep) if each and Path(each).is_file()]


def surroundings(name: str) -> dict[str, str]:
    """What a worker's environment needs of this one, to reach the same cluster."""
    if name != "kubernetes":
        return {}
    own = {key: value for key, value in os.environ.items() if key in _CLUSTER or key.startswith("BRIGNB_KUBERNETES_")}
    if kubeconfig := os.environ.get("KUBECONFIG"):
        own["KUBECONFIG"] = os.pathsep.join(str(Path(each).absolute()) for each in kubeconfig.split(os.pathsep) if each)
    return own
