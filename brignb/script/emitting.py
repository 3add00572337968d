"""`events.emit`: an event raised by a build. What was emitted and not awaited is awaited by its scope, like a job."""

from __future__ import annotations

from typing import Any

from brignb.model.events import event_type
from brignb.script import portal, scope
from brignb.script.payloads import payload_text
from brignb.script.session import Session, current
from brignb.script.started import Started


class Emission(Started[Any]):
    """An event on its way; waiting for it ends when it is durable, and answers what took it.

    Args:
        session: Whose `emit` is used.
        kind: The event's type.
        payload: Its text.
    """

    def __init__(self, session: Session, kind: str, payload: str) -> None:
        super().__init__()
        self._session = session
        self._kind = kind
        self._payload = payload

    @property
    def what(self) -> str:
        """What it is, for messages."""
        return f"event {self._kind}"

    def begin(self) -> None:
        """Let it go; `events.emit` has done so."""
        portal.submit(self._live())

    def cancel(self) -> None:
        """An event that was raised cannot be called back: this changes nothing."""

    async def _live(self) -> None:
        try:
            taken = await self._session.emit(self._kind, self._payload)
        except Exception as error:  # noqa: BLE001 - told to whoever waits, else to the scope
            self._end(None, error)
        else:
            self._end(taken)

    def __repr__(self) -> str:
        state = "on its way" if not self.done() else "not taken" if self.failure else "taken"
        return f"<{self.what}: {state}>"


def emit(kind: str, payload: Any) -> Emission:
    """Raise an event; `events.emit` is this.

    Raises:
        BadInput: No type.
        PayloadError: The payload cannot be one.
    """
    where = "events.emit"
    session = current()
    session.refuse_elsewhere(where)
    emission = Emission(session, event_type(kind, where=where), payload_text(payload, where=where))
    scope.entrust(emission)
    emission.begin()
    return emission
