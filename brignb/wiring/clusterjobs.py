"""What a server with `--executor kubernetes` has for builds' jobs: one cluster, an executor for each build, tokens for their workers.

    Cluster ──▶ KubernetesExecutor for each build ──▶ Runs ◀──/api/worker/runs── workers, each with a token of its build

Nothing of the cluster reaches a worker: neither kubeconfig nor account, only the server's address and its token.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import logging
import os
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace
from typing import Final

from brignb.cluster.connection import ApiError
from brignb.controller.runs import Runs
from brignb.controller.sweeping import Sweeping
from brignb.errors import Unreachable
from brignb.executors.folders import remove
from brignb.executors.kubernetes.cluster import DEFAULT_NAMESPACE, Cluster
from brignb.executors.kubernetes.executor import KubernetesExecutor
from brignb.executors.kubernetes.leftovers import Found, found, take_away
from brignb.executors.kubernetes.locks import Rules
from brignb.executors.kubernetes.settings import Settings
from brignb.model.builds import Build
from brignb.model.options import ServeOptions
from brignb.model.projects import Project
from brignb.store.sealing import load_key
from brignb.wiring.clock import now_ms
from brignb.wiring.executing import CONTEXT, NAMESPACE
from brignb.wiring.home import Home
from brignb.wiring.shelves import Shelf
from brignb.wiring.storing import Storing

log = logging.getLogger("brignb")

_IDENTITY: Final = b"brignb: whose pods these are"
_DIGITS: Final = 16


@dataclass(frozen=True, slots=True)
class ClusterJobs:
    """See the module.

    Args:
        cluster: For others that need it too.
        runs: Jobs of builds.
        sweeping: Takes away what is left of builds that are over; for whoever builds.
        server: This server's mark on what it has in the cluster.
    """

    cluster: Cluster
    runs: Runs
    sweeping: Sweeping
    server: str


class _Leftovers:
    """Of one cluster; see `brignb.controller.sweeping`."""

    def __init__(self, cluster: Cluster, server: str) -> None:
        self._cluster = cluster
        self._server = server

    async def found(self, namespaces: Iterable[str]) -> list[Found]:
        """What is there of this server's jobs."""
        connection = await self._cluster.connection()
        places = {await self._cluster.resolved(namespace) for namespace in (DEFAULT_NAMESPACE, *namespaces)}
        there: list[Found] = []
        for place in sorted(places):
            try:
                there += await found(connection, place, self._server)
            except ApiError as error:  # of a namespace that is not ours to look into; the others are
                log.warning("sweeping: namespace %s: %s", place, error)
        return there

    async def take_away(self, objects: Iterable[Found]) -> None:
        """Delete it."""
        await take_away(await self._cluster.connection(), objects)


@contextlib.asynccontextmanager
async def cluster_jobs(options: ServeOptions, *, stored: Storing, home: Home) -> AsyncIterator[ClusterJobs | None]:
    """Begin, and at the end let go of the jobs: those of workers that live are adopted by the next server.

    None: jobs are processes of their workers, or this part has nothing to do with them. The API starts them, the controller sweeps.

    Args:
        options: Whether there is a cluster, and what the operator allows.
        stored: Knows which builds run, and keeps what their jobs leave.
        home: Its key marks what is in the cluster; its folder `work` has one for each build that runs.

    Raises:
        Refused: The cluster does not take the server's credentials, or forbids what is needed.
        Unreachable: There is no usable kubeconfig.
    """
    starts = "api" in options.parts
    if options.executor != "kubernetes" or not (starts or "controller" in options.parts):
        yield None
        return
    cluster = Cluster(context=os.environ.get(CONTEXT), namespace=os.environ.get(NAMESPACE))
    settings = replace(Settings.from_environment(), server=identity(load_key(home.key)))

    def executor(build: Build, project: Project) -> KubernetesExecutor:
        return KubernetesExecutor(
            home.work / build.id,
            now_ms=now_ms,
            cluster=cluster,
            shared=True,
            settings=settings.of(project),
            rules=Rules(project=project.policy, operator=options.allow),
            shelf=Shelf(stored.shared, stored.artifacts, build.id) if build.holder else None,
        )

    def closed(build: Build) -> None:
        """Of a build that runs here its place takes the folder away, once the artifacts are kept."""
        if build.holder and (home.work / build.id).is_dir():
            remove(home.work / build.id)

    runs = Runs(stored.store, stored.news, executor, closed=closed)
    try:
        if starts:
            await _checked(cluster)
        yield ClusterJobs(cluster, runs, Sweeping(stored.store, _Leftovers(cluster, settings.server)), settings.server)
    finally:
        await runs.leave()
        await cluster.close()


def identity(key: bytes) -> str:
    """A server's mark on what it has in a cluster, which says nothing of its key."""
    return hmac.digest(key, _IDENTITY, hashlib.sha256).hex()[:_DIGITS]


async def _checked(cluster: Cluster) -> None:
    """A cluster that is away may be back in a moment; one that refuses us stays so."""
    connection = await cluster.connection()
    try:
        await cluster.check()
    except Unreachable as error:
        log.warning("%s; jobs fail until it is", error)
    else:
        log.info("jobs run as pods at %s", connection.place.server)
