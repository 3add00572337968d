"""A notebook's side of its lease: the next event, and what becomes of it; every call shows that the kernel lives."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from brignb.client.calls import JSON, Calls, of_project
from brignb.model.builds import JobRecord, Outcome

SILENCE: Final = 5.0
"""Seconds without an answer, after which the server counts as gone: less than a lease; the next event is waited for in shorter calls."""


class Listener(Calls):
    """See the module. Several threads may use it.

    Args:
        server: Its address.
        token: What it wants to see.

    Raises (every method but `open`, besides what `Calls` raises):
        NotFound: The lease is over; a restart of the server ends it too.
        Conflict: It does not hold that build any more.
    """

    def __init__(self, server: str, token: str) -> None:
        super().__init__(server, token, seconds=SILENCE)
        self._path = ""
        self.lease_seconds = 0.0

    def open(self, project: str, types: Sequence[str] = ()) -> None:
        """From now on the project's events of these types (none: all) wait for this kernel; again, after a lease is over."""
        told = self._json("POST", f"{of_project(project)}/listeners", json={"types": list(types)})
        self._path = f"/api/listeners/{quote(told['id'], safe='')}"
        self.lease_seconds = float(told["lease_seconds"])

    def renew(self) -> JSON | None:
        """The kernel lives; the build that it holds: `build`, `attempt`, and whether somebody wants to `cancel` it."""
        held: JSON | None = self._json("POST", self._path)["held"]
        return held

    def end(self) -> None:
        """Listen no more: what waits goes to workers."""
        self._answer("DELETE", self._path)

    def next(self, seconds: float | None = None) -> JSON | None:
        """The next build: `build`, `attempt`, `created_at`, `event`; the same one until it has ended. None came in time: None.

        Args:
            seconds: How long to wait, at most; None: as long as the server likes.
        """
        query = {} if seconds is None else {"seconds": seconds}
        answer = self._answer("POST", f"{self._path}/next", params=query)
        return answer.json() if answer.content else None

    def started(self, build_id: str, attempt: int, notebook: Mapping[str, Any]) -> JSON:
        """Its first line runs once this has answered; where its streams `worker` and `journal` go on."""
        return self._say("started", build_id, attempt, notebook=notebook)

    def job(self, job: JobRecord) -> None:
        """A job's state."""
        facts = {name: value for name, value in job.to_wire().items() if name not in {"build_id", "attempt"}}
        self._tell("jobs", job.build_id, job.attempt, **facts)

    def append(self, build_id: str, attempt: int, stream: str, offset: int, data: bytes) -> None:
        """A stream has grown."""
        query = {"attempt": attempt, "offset": offset}
        self._answer("POST", f"{self._of(build_id)}/streams/{quote(stream, safe='')}", params=query, content=data)

    def emit(self, build_id: str, attempt: int, event_type: str, payload: str) -> JSON:
        """Raise the next event; answers `event` and `build`."""
        return self._say("events", build_id, attempt, type=event_type, payload=payload)

    def finished(self, build_id: str, attempt: int, outcome: Outcome) -> None:
        """How it ended."""
        facts = {"state": str(outcome.state), "reason": outcome.reason, "message": outcome.message}
        self._tell("finished", build_id, attempt, **facts)

    def _say(self, word: str, build_id: str, attempt: int, **facts: Any) -> JSON:
        return self._json("POST", f"{self._of(build_id)}/{word}", content=_document(attempt, facts))

    def _tell(self, word: str, build_id: str, attempt: int, **facts: Any) -> None:
        self._answer("POST", f"{self._of(build_id)}/{word}", content=_document(attempt, facts))

    def _of(self, build_id: str) -> str:
        return f"{self._path}/builds/{quote(build_id, safe='')}"


def _document(attempt: int, facts: Mapping[str, Any]) -> bytes:
    """In ASCII, so that whatever user code has put into a text becomes the server's to judge, and no error of ours."""
    return json.dumps({"attempt": attempt, **facts}).encode()
