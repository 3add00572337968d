"""A build that has a pod of its own, from its claim until the pod's container runs.

    claimed ──▶ made ──▶ (scheduled, pulled) ──▶ started: its worker answers for itself from then on
       │           └── no node, no image, no container, for longer than a grace: failed, with the cluster's words
       └── refused: failed; no quota: asked again, as long as for a node

Meanwhile the build's lease is renewed here, and a cancel is heard. What must never happen: a build that fails because the cluster was
away for a while.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from brignb.cluster.connection import ApiError
from brignb.cluster.objects import refusal
from brignb.controller.pods.making import make
from brignb.controller.pods.manifest import cold
from brignb.controller.pods.naming import Object
from brignb.controller.pods.seen import Seen
from brignb.controller.pods.settings import Ground
from brignb.errors import BrignbError, Unavailable
from brignb.executors.kubernetes.fate import Hindrance
from brignb.executors.kubernetes.patience import Patience
from brignb.model.builds import CANCELED, Build, Outcome, State

log = logging.getLogger(__name__)

LEASE: Final = 60.0
"""Seconds in which whoever starts a build, or its worker after its start, must be heard: a node that starts many is slow."""
_RENEW: Final = 5.0
_AGAIN: Final = 2.0
"""Seconds until a cluster that had no room, or was away, is asked for a pod again."""


class Over(Exception):
    """The build needs no pod any more.

    Args:
        outcome: How it ended; None: that is decided already.
    """

    def __init__(self, outcome: Outcome | None) -> None:
        super().__init__()
        self.outcome = outcome


class Starting:
    """See the module.

    Args:
        ground: What pods are made with.
        build: As it was claimed.
    """

    def __init__(self, ground: Ground, build: Build) -> None:
        self._ground = ground
        self._build = build
        self._seen: Seen | None = None
        self._gave_up: Hindrance | None = None
        self._news = asyncio.Event()
        self._patience = Patience(self._over)

    @property
    def stuck(self) -> bool:
        """Whether it finds no node: more pods would find none either."""
        hindrance = self._seen.hindrance if self._seen else None
        return hindrance is not None and hindrance.reason == "unschedulable"

    def hear(self, seen: Seen) -> None:
        """Of its pod."""
        self._seen = seen
        self._patience.see(None if self._begun() else seen.hindrance)
        if self._begun():
            self._news.set()

    async def make(self) -> Object:
        """Its pod.

        Raises:
            Over: There will be none.
        """
        ground, build = self._ground, self._build
        if build.cancel_requested:  # by somebody who was heard in an earlier attempt
            raise Over(CANCELED)
        project = await ground.site.store.project(build.project)
        if project is None:
            raise Over(Outcome(state=State.FAILED, reason="project_deleted", message="its project is gone"))
        token = ground.tokens.build(build.id, build.attempt)
        secret, pod = cold(project, build, ground.settings, token=token, authority=ground.authority)
        while True:
            making = asyncio.create_task(make(ground, secret, pod))
            try:
                while not (await asyncio.wait({making}, timeout=_RENEW))[0]:
                    await self._renew()
                return making.result()
            except ApiError as error:
                self._refused(error)
            except Unavailable:
                raise
            except BrignbError as error:
                log.warning("build %s waits for the cluster: %s", build.id, error)
            finally:
                making.cancel()
            await self._wait(_AGAIN)

    async def started(self) -> None:
        """Until its container runs, or the pod has ended.

        Raises:
            Over: It will not.
        """
        try:
            while not self._begun():
                await self._wait(_RENEW)
            await self._renew()
        finally:
            self._patience.see(None)

    def _begun(self) -> bool:
        return self._seen is not None and (self._seen.started or self._seen.ended is not None)

    async def _wait(self, seconds: float) -> None:
        """For news; somebody is there for the build meanwhile."""
        self._news.clear()
        if not self._begun() and self._gave_up is None:
            try:
                async with asyncio.timeout(seconds):
                    await self._news.wait()
            except TimeoutError:
                pass
        if self._gave_up is not None and not self._begun():
            reason, message = self._gave_up.reason, f"its worker pod cannot start: {self._gave_up.message}"
            raise Over(Outcome(state=State.FAILED, reason=reason, message=message))
        await self._renew()

    async def _renew(self) -> None:
        site, build = self._ground.site, self._build
        until = site.now_ms() + int(LEASE * 1000)
        current = await site.store.hold(build.id, attempt=build.attempt, until=until)
        if current is None:
            raise Over(None)
        if current.cancel_requested and not self._begun():
            raise Over(CANCELED)

    def _refused(self, error: ApiError) -> None:
        """By the cluster: for good, or until there is room."""
        reason = refusal(error)
        if reason == "quota":
            self._patience.see(Hindrance("quota", error.message, self._ground.settings.schedule_grace))
        elif reason != "api":
            message = f"its worker pod cannot be made: {error.message}"
            raise Over(Outcome(state=State.FAILED, reason=reason, message=message)) from error

    def _over(self, found: Hindrance) -> None:
        """A grace is over; where another worker's end may make room it begins anew."""
        if found.reason in {"unschedulable", "quota"} and self._ground.room():
            self._patience.see(None)
            self._patience.see(found)
            return
        self._gave_up = found
        self._news.set()
