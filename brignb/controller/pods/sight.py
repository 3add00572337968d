"""All worker pods of the namespace as they are: one list, one watch.

    list, watch ──▶ Seen by name ──▶ heard(Seen), at each change and once when a pod is gone

What must never happen: a pod that is gone and believed to be there; one called gone because a list was older than it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator

from brignb.cluster.connection import ApiError
from brignb.cluster.paths import path
from brignb.cluster.watching import Object, Watch
from brignb.controller.pods.naming import MAIN, selector
from brignb.controller.pods.seen import Seen, seen
from brignb.controller.pods.settings import Ground
from brignb.errors import BrignbError
from brignb.executors.kubernetes import fate
from brignb.model.jobs import JobStatus

log = logging.getLogger(__name__)


class Sight:
    """See the module.

    Args:
        ground: Connection, namespace, graces.
        heard: Is told of each change.
    """

    def __init__(self, ground: Ground, heard: Callable[[Seen], None]) -> None:
        self._ground = ground
        self._heard = heard
        self._pods: dict[str, Seen] = {}
        self._looking: set[asyncio.Task[None]] = set()
        self._away = False
        self._watch = Watch(
            ground.connection,
            ground.namespace,
            "pods",
            selectors={"labelSelector": selector(ground.settings.mark)},
            listed=self._listed,
            changed=self._changed,
            trouble=self._trouble,
        )

    def __iter__(self) -> Iterator[Seen]:
        """Those that are there."""
        return iter(tuple(self._pods.values()))

    def __len__(self) -> int:
        """How many are there."""
        return len(self._pods)

    def __getitem__(self, name: str) -> Seen:
        """One that is there."""
        return self._pods[name]

    def __contains__(self, name: str) -> bool:
        """Whether it is there."""
        return name in self._pods

    async def run(self) -> None:
        """Watch, until canceled."""
        try:
            await self._watch.run()
        finally:
            for task in self._looking:
                task.cancel()

    async def ready(self) -> None:
        """Until everything that is there has been heard of, and nothing that changes is missed."""
        await self._watch.ready.wait()

    def made(self, pod: Object) -> None:
        """A pod was made here; what the watch has told of it since is newer."""
        if pod["metadata"]["name"] not in self._pods:
            self._take(pod)

    def _listed(self, pods: list[Object]) -> None:
        for pod in pods:
            self._take(pod)
        for name in self._pods.keys() - {pod["metadata"]["name"] for pod in pods}:
            task = asyncio.create_task(self._look(name), name=f"look for {name}")
            self._looking.add(task)
            task.add_done_callback(self._looking.discard)

    async def _look(self, name: str) -> None:
        """A list may be older than a pod that was being made; the pod itself is asked for before it is called gone."""
        try:
            self._take(await self._ground.connection.ask("GET", path(self._ground.namespace, "pods", name)))
        except ApiError as error:
            if error.reason == "NotFound":
                self._gone(name, fate.deleted(None))
        except BrignbError as error:
            log.info("%s: %s; the next list tells", name, error.message)

    def _changed(self, kind: str, pod: Object) -> None:
        if kind == "DELETED":
            self._pods[pod["metadata"]["name"]] = seen(pod, self._ground.settings)
            self._gone(pod["metadata"]["name"], fate.deleted(pod, MAIN))
        else:
            self._take(pod)

    def _take(self, pod: Object) -> None:
        now = seen(pod, self._ground.settings)
        self._pods[now.name] = now
        self._heard(now)

    def _gone(self, name: str, last: JobStatus) -> None:
        if (before := self._pods.pop(name, None)) is not None:
            self._heard(before.gone(last))

    def _trouble(self, error: BrignbError | None) -> None:
        if error is not None and not self._away:
            log.error("worker pods cannot be watched: %s; it is tried again", error)
        elif error is None and self._away:
            log.warning("worker pods are watched again")
        self._away = error is not None
