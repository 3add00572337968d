"""Asking the server: a client for each question, and, for completion, answers that come soon or not at all."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from brignb.errors import BrignbError
from brignb.model.events import Event

if TYPE_CHECKING:
    from brignb.client import Client

PATIENCE: Final = 0.25
"""Seconds that a completion waits for the server; what comes later is there for the next one."""
FRESH: Final = 5.0
"""Seconds for which an answer is good enough to complete by."""


@contextmanager
def connected(server: str | None = None, *, seconds: float = 30.0) -> Iterator[Client]:
    """A client of the server that runs here, or of the one that was named; closed at the end.

    Args:
        server: Its address; None: `$BRIGNB_SERVER`, else the one that runs here.
        seconds: For which an answer is waited.

    Raises:
        Unreachable: No server is known, or nobody answers there.
        Refused: No token is known, or it is not the server's.
    """
    from brignb.client import Client, find_server  # noqa: PLC0415 - loading the extension needs no HTTP

    address = find_server(server)
    with Client(address.url, address.token, seconds=seconds) as client:
        yield client


def stored_event(client: Client, event_id: str) -> Event:
    """An event of the server's, with its payload.

    Raises:
        NotFound: It has none of that id.
    """
    return Event.from_json(client.event(event_id))


class Answers:
    """Remembered answers to questions that a completion asks: asked in a thread of its own, waited for no longer than `PATIENCE`."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, list[Any]]] = {}
        self._asked: dict[str, threading.Thread] = {}

    def get(self, question: str, ask: Callable[[], list[Any]]) -> list[Any]:
        """What the server said to it; empty when it has not answered yet, or is not there."""
        at, known = self._known.get(question, (float("-inf"), []))
        if time.monotonic() - at < FRESH:
            return known
        thread = self._asked.get(question)
        if thread is None or not thread.is_alive():
            thread = threading.Thread(target=self._ask, args=(question, ask), name="brignb-completion", daemon=True)
            self._asked[question] = thread
            thread.start()
        thread.join(PATIENCE)
        return self._known.get(question, (0.0, known))[1]

    def _ask(self, question: str, ask: Callable[[], list[Any]]) -> None:
        try:
            answer = ask()
        except BrignbError:
            answer = []  # no server, no completion; whoever runs the line is told why
        self._known[question] = (time.monotonic(), answer)
