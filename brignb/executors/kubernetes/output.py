"""A job's output, from its container's start until it was read whole, or until the wrapper's frame was.

    attach: say go ──▶ lines at once ──▶ (the log has caught up) ──▶ detach
    log:    as soon as the kubelet gives it ──▶ lines, to the end

What must never happen: a job that waits for a word that nobody says; a line lost when one of the two ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any

from brignb.cluster.connection import Connection
from brignb.cluster.paths import path
from brignb.errors import BrignbError
from brignb.executors.kubernetes.attaching import Attached, attach
from brignb.executors.kubernetes.following import Follower
from brignb.executors.kubernetes.making import Made
from brignb.executors.kubernetes.naming import MAIN
from brignb.executors.kubernetes.telling import Source, Telling
from brignb.executors.kubernetes.wrapper import GO

_log = logging.getLogger(__name__)


class Output:
    """See the module; read once.

    Args:
        connection: To the cluster.
        namespace: Of the pod.
        made: The pod.
        telling: Gets what comes.
        ended: Whether the container has terminated.
        failed: Is told why the job cannot be told to begin.
        since: Milliseconds since 1970; what was written before that second is known.
    """

    def __init__(
        self,
        connection: Connection,
        namespace: str,
        made: Made,
        telling: Telling,
        *,
        ended: Callable[[], bool],
        failed: Callable[[str], None],
        since: int | None = None,
    ) -> None:
        self._connection = connection
        self._namespace = namespace
        self._name = str(made.pod["metadata"]["name"])
        self._waits, self._adopted = made.waits, made.adopted
        self._telling = telling
        self._ended = ended
        self._failed = failed
        self._early, self._durable = Source(), Source()
        self._attached: Attached | None = None
        self._since = since
        self.follower = self.of(MAIN, ended=ended)

    def of(self, container: str, *, ended: Callable[[], bool] = lambda: False) -> Follower:
        """What reads the log of one of the pod's containers.

        Args:
            container: Its name.
            ended: Whether it has terminated; else it is followed for as long as somebody cares.
        """
        log = path(self._namespace, "pods", self._name, "log")
        return Follower(self._connection, log, container, ended=ended, gap=self._telling.say, since=self._since)

    async def read(self) -> None:
        """All of it.

        Raises:
            BrignbError: It cannot be read.
        """
        log = asyncio.create_task(self._follow(), name=f"log {self._name}")
        tasks: list[asyncio.Future[Any]] = [log, asyncio.ensure_future(self._telling.framed.wait())]
        if self._waits:
            early = asyncio.create_task(self._early_bird(), name=f"attached {self._name}")
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if log.done():
                log.result()
            await self._detach()
        finally:
            if self._waits:
                tasks.append(early)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._telling.end(self._durable.held if self._durable.at >= self._early.at else b"")

    async def _follow(self) -> None:
        async for batch in self.follower.batches():
            for at, content in batch:
                self._telling.take(self._durable, content, at)
            if self._durable.at >= self._early.at:
                await self._detach()
            await self._telling.until_there_is_room()

    async def _early_bird(self) -> None:
        """Say go, and tell what comes at once, until the log has caught up.

        Who adopts a pod says it once more, since the word may not have been said; its output does not come from its first byte on then.
        """
        trusted = not self._adopted
        try:
            attached = await attach(self._connection, self._namespace, self._name, MAIN, output=trusted)
        except BrignbError as error:
            if not self._ended():
                self._failed(f"its container could not be told to begin: {error.message}")
            return
        try:
            self._attached = attached if trusted else None
            await attached.write(GO)
            if trusted:
                async for data in attached.output():
                    self._telling.take(self._early, data, None)
                    await self._telling.until_there_is_room()
        except BrignbError as error:
            _log.info("%s: %s; its log goes on by itself", self._name, error.message)
        finally:
            self._attached = None
            await attached.close()

    async def _detach(self) -> None:
        """The log has caught up, or all was seen: the wrapper need not stay for us."""
        if self._attached:
            attached, self._attached = self._attached, None
            with contextlib.suppress(BrignbError):
                await attached.write(GO)
            await attached.close()
