"""The way to one cluster, for all jobs of a process: one connection, two watches a namespace, however many builds there are.

Made without a word to the cluster; connected when the first job wants it. What must never happen: a connection for each build.
"""

from __future__ import annotations

import asyncio
from typing import Final

from brignb.cluster.connection import Connection, connect
from brignb.errors import BrignbError
from brignb.executors.kubernetes import rights
from brignb.executors.kubernetes.hub import Hub

DEFAULT_NAMESPACE: Final = "default"
"""A project that names no namespace has this one; it means the one that the connection is for."""


class Cluster:
    """See the module.

    Args:
        context: Of the kubeconfig; None: its current one, or the pod's own account.
        namespace: Of the jobs whose project names none; None: the context's.
        build_id: Whose pods are watched; None: those of all builds.
    """

    def __init__(
        self, *, context: str | None = None, namespace: str | None = None, build_id: str | None = None
    ) -> None:
        self._context = context
        self._namespace = namespace
        self._build_id = build_id
        self._connecting: asyncio.Task[Connection] | None = None
        self._hubs: dict[str, Hub] = {}

    async def check(self, namespace: str = DEFAULT_NAMESPACE) -> None:
        """Whether jobs can be run: asked before anything is begun that could not go on.

        Args:
            namespace: The project's.

        Raises:
            Unreachable: There is no usable kubeconfig, or the cluster is away.
            Refused: It does not take the credentials, or forbids what is needed.
        """
        await rights.check(await self.connection(), await self.resolved(namespace))

    async def connection(self) -> Connection:
        """To the API server.

        Raises:
            BrignbError: There is none to be had.
        """
        if self._connecting is None:
            self._connecting = asyncio.create_task(connect(self._context), name="connect")
        try:
            return await asyncio.shield(self._connecting)
        except BrignbError:
            self._connecting = None
            raise

    async def resolved(self, namespace: str) -> str:
        """Of a project's namespace, the cluster's."""
        if namespace != DEFAULT_NAMESPACE:
            return namespace
        return self._namespace or (await self.connection()).place.namespace

    async def hub(self, namespace: str) -> Hub:
        """What is heard of a namespace's pods; nothing that happens from now on is missed.

        Raises:
            BrignbError: The cluster cannot be watched.
        """
        if namespace not in self._hubs:
            self._hubs[namespace] = Hub(await self.connection(), namespace, self._build_id)
        hub = self._hubs[namespace]
        await hub.ready()
        return hub

    async def close(self) -> None:
        """Let go of it."""
        await asyncio.gather(*(hub.close() for hub in self._hubs.values()))
        if self._connecting:
            await (await self._connecting).close()
            self._connecting = None
