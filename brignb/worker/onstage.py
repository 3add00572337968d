"""A build's side in its kernel: what the author's words mean there, and which cells follow the notebook's own.

    event, project ──▶ names           (before the first cell)
    handlers ──▶ Following ──▶ cells   (after the last)
    leave ──▶ jobs that still run are ended; how the build ended, where only this side knows

Implements `brignb.engine.protocol.backstage.Play`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from brignb.engine.seam import EventCell, Failure
from brignb.errors import JobError
from brignb.model.events import Event
from brignb.script import calling, portal, registry
from brignb.script import project as bound
from brignb.script.scope import Scope
from brignb.script.session import Session, enter
from brignb.worker.following import Following, leftovers


class OnStage:
    """See the module.

    Args:
        event: What the build is for.
        session: The build's.
    """

    def __init__(self, event: Event, session: Session) -> None:
        enter(session)
        self._session = session
        self._scope = Scope()
        self._entered = self._scope.entered()
        self._entered.__enter__()
        self.names: Mapping[str, Any] = {"event": event, "project": bound.project}
        self._following = Following(
            event,
            bound.project,
            matching=registry.events.matching,
            call=calling.run_handler,
            leftovers=lambda: leftovers(self._scope),
        )

    def following(self, failure: Failure | None) -> EventCell | None:
        """See `Plan.following`."""
        return self._following(failure)

    def leave(self) -> dict[str, Any]:
        """The cells are over."""
        self._entered.__exit__(None, None, None)
        if portal.running():  # else nothing was ever started
            portal.submit(self._scope.abandon()).result()
            portal.submit(self._session.executor.close()).result()
        failure = self._following.failure
        if failure is not None:
            return {"reason": "job_failed"} if isinstance(failure.error, JobError) else {}
        unanswered = not self._following.handled and len(registry.events)
        return {"reason": "no_handler"} if unanswered else {}
