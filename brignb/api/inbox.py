"""Drafts into the store, and the contract's answer: durable first, then told.

Gateways, the API's events and reruns all come through here, so that each is accepted, and answered, in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from brignb.api.metrics import Metrics
from brignb.api.services import Services
from brignb.model.events import Draft
from brignb.store.seam import Accept, Accepted


class Inbox:
    """See the module."""

    def __init__(self, services: Services, metrics: Metrics) -> None:
        self._services = services
        self._metrics = metrics

    async def accept(
        self, project: str, drafts: Sequence[Draft], *, notebook: bytes | None = None
    ) -> tuple[Accepted, ...]:
        """Wake the controller; store events and their builds, all or none.

        Args:
            project: Whose.
            drafts: The events.
            notebook: What their builds run; None: the commit's own.

        Raises:
            Unavailable: They cannot be stored now.
            NotFound: The project is gone.
            BadInput: A payload cannot be stored.
        """
        services = self._services
        at = services.now_ms()
        services.wake()  # the store does things in their order: what the controller claims now can be these, in the same commit
        accepted = await services.store.accept(
            [
                Accept(
                    project=project,
                    draft=draft,
                    event_id=services.fresh_id(at),
                    build_id=services.fresh_id(at),
                    at=at,
                    notebook=notebook,
                )
                for draft in drafts
            ]
        )
        new = sum(not each.duplicate for each in accepted)
        if new:
            self._metrics.event(drafts[0].gateway, "accepted", new)
        if new < len(accepted):
            self._metrics.event(drafts[0].gateway, "duplicate", len(accepted) - new)
        return accepted


def told(accepted: Accepted) -> dict[str, Any]:
    """What the sender of one event is told."""
    status = "duplicate" if accepted.duplicate else "accepted"
    return {"status": status, "event": accepted.event_id, "build": accepted.build_id}


def status_of(accepted: Sequence[Accepted]) -> int:
    """202 when something is new; 200 when all of it was seen before."""
    return 200 if all(each.duplicate for each in accepted) else 202
