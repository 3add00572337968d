"""Everything that is heard of the pods of one namespace: two watches, however many jobs there are.

    pods ───┐
            ├──▶ Hub ──by name──▶ Listener of a job
    events ─┘

What must never happen: a listener that waits for what will not come: when the cluster takes the credentials no more, or is away for too
long, it hears `cut_off`; when a list has not its pod, `gone`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final, Protocol

from brignb.cluster.connection import ApiError, Connection
from brignb.cluster.paths import path
from brignb.cluster.watching import Object, Watch
from brignb.errors import BrignbError, Refused, Unreachable
from brignb.executors.kubernetes.naming import selector

REFUSED_FOR: Final = 15.0
"""Seconds of refusals after which the jobs cannot be followed any more."""
READY_WITHIN: Final = 30.0
"""Seconds for the first list."""
AWAY_FOR: Final = 600.0
"""Seconds without an answer after which they cannot."""

_log = logging.getLogger(__name__)


class Listener(Protocol):
    """A job."""

    def pod(self, pod: Object) -> None:
        """The pod as it is now."""

    def event(self, event: Object) -> None:
        """A Kubernetes event about the pod."""

    def gone(self, last: Object | None) -> None:
        """The pod is not there any more; `last` is how it was, where that is known."""

    def cut_off(self, error: BrignbError) -> None:
        """Nothing more will be heard."""

    def reached_again(self) -> None:
        """The API server was away and is back: streams may be dead."""


class Hub:
    """See the module.

    Args:
        connection: To the cluster.
        namespace: Of the pods.
        build_id: Whose pods; None: those of all builds.
    """

    def __init__(self, connection: Connection, namespace: str, build_id: str | None) -> None:
        self._connection = connection
        self._namespace = namespace
        self._listeners: dict[str, Listener] = {}
        self._known: set[str] = set()
        self._since: float | None = None
        self._last: BrignbError | None = None
        self._pods = Watch(
            connection,
            namespace,
            "pods",
            selectors={"labelSelector": selector(build_id)},
            listed=self._listed,
            changed=self._pod,
            trouble=self._trouble,
        )
        self._events = Watch(
            connection,
            namespace,
            "events",
            selectors={"fieldSelector": "involvedObject.kind=Pod"},
            listed=None,
            changed=self._event,
            trouble=lambda _error: None,  # what they tell is told by the pod's status, too, a little later
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._looks: set[asyncio.Task[None]] = set()

    async def ready(self) -> None:
        """Start watching; returns when nothing that happens from now on is missed.

        Raises:
            BrignbError: The cluster cannot be watched.
        """
        if not self._tasks:
            self._tasks = [asyncio.create_task(watch.run(), name="watch") for watch in (self._pods, self._events)]
            for task in self._tasks:
                task.add_done_callback(self._died)
        watching = [asyncio.ensure_future(watch.ready.wait()) for watch in (self._pods, self._events)]
        both = asyncio.gather(*watching)
        waited: set[asyncio.Future[Any]] = {both, *self._tasks}
        await asyncio.wait(waited, timeout=READY_WITHIN, return_when=asyncio.FIRST_COMPLETED)
        for task in self._tasks:
            if task.done():
                task.result()  # raises what it died of
        if not both.done():
            both.cancel()
            raise self._last or Unreachable("the cluster does not say which pods there are")

    def listen(self, name: str, listener: Listener) -> None:
        """Hear of the pod of that name, which is made soon."""
        self._listeners[name] = listener

    def made(self, name: str) -> None:
        """The pod is there: a list without it is news."""
        self._known.add(name)

    def forget(self, name: str) -> None:
        """Nobody wants to hear of that pod any more."""
        self._listeners.pop(name, None)
        self._known.discard(name)

    async def close(self) -> None:
        """Stop watching."""
        for task in (tasks := [*self._tasks, *self._looks]):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _listed(self, pods: list[Object]) -> None:
        there = {pod["metadata"]["name"] for pod in pods}
        for pod in pods:
            self._pod("LISTED", pod)
        for name in self._known - there:
            look = asyncio.create_task(self._look(name), name=f"look for {name}")
            self._looks.add(look)
            look.add_done_callback(self._looks.discard)

    async def _look(self, name: str) -> None:
        """A list may be older than a pod; the pod itself is asked for before it is called gone."""
        try:
            self._pod("LISTED", await self._connection.ask("GET", path(self._namespace, "pods", name)))
        except ApiError as error:
            if error.reason == "NotFound":
                self._known.discard(name)
                if listener := self._listeners.get(name):
                    listener.gone(None)
        except BrignbError as error:
            _log.info("%s: %s; the next list tells", name, error.message)

    def _pod(self, kind: str, pod: Object) -> None:
        name = pod["metadata"]["name"]
        listener = self._listeners.get(name)
        if listener is None:
            return
        if kind == "DELETED":
            self._known.discard(name)
            listener.gone(pod)
        else:
            self._known.add(name)
            listener.pod(pod)

    def _event(self, kind: str, event: Object) -> None:
        listener = self._listeners.get(event["involvedObject"].get("name", ""))
        if listener and kind != "DELETED":
            listener.event(event)

    def _died(self, task: asyncio.Task[None]) -> None:
        """A watch ends by itself only by a fault of ours: nobody may wait for it."""
        if not task.cancelled() and (error := task.exception()):
            for listener in tuple(self._listeners.values()):
                listener.cut_off(BrignbError(f"the watch failed: {error!r}"))

    def _trouble(self, error: BrignbError | None) -> None:
        now = asyncio.get_running_loop().time()
        self._last = error
        if error is None:
            if self._since is not None:
                for listener in tuple(self._listeners.values()):
                    listener.reached_again()
            self._since = None
            return
        if self._since is None:
            self._since = now
            _log.info("the cluster is away: %s", error)
        refused = isinstance(error, Refused | ApiError)
        if now - self._since > (REFUSED_FOR if refused else AWAY_FOR):
            for listener in tuple(self._listeners.values()):
                listener.cut_off(error)


def about(event: Object) -> tuple[str, str, str | None]:
    """Its reason, its message, and the container that it is about."""
    field: Any = event["involvedObject"].get("fieldPath") or ""
    container = field.partition("{")[2].rstrip("}") or None
    return str(event.get("reason") or ""), str(event.get("message") or "").strip(), container
