"""Builds and jobs as they are known: their states, and which may follow which.

The table below is the whole state machine. The store repeats it as a CHECK, and a test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from brignb.model.events import Revision
from brignb.model.times import rfc3339, rfc3339_or_none


class State(StrEnum):
    """Of a build or a job (contract, "HTTP")."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    TIMED_OUT = "timed_out"
    LOST = "lost"

    @property
    def terminal(self) -> bool:
        """Whether nothing follows."""
        return self in TERMINAL


NOTEBOOK: Final = "notebook"
"""The tier of a build that a notebook handled, not a worker."""

TERMINAL: Final = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELED, State.TIMED_OUT, State.LOST})

TRANSITIONS: Final[dict[State, frozenset[State]]] = {
    # claimed; canceled while waiting; its source or notebook cannot be had
    State.PENDING: frozenset({State.RUNNING, State.CANCELED, State.FAILED}),
    # an outcome; or back to the queue when its worker died and the contract lets it run again
    State.RUNNING: TERMINAL | {State.PENDING},
    **{state: frozenset() for state in TERMINAL},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """A job as it is known outside of its worker.

    Args:
        digest: Of what it was made of (`JobSpec.digest`), once it has succeeded; None: it cannot be remembered.
        outputs: What it wrote to `$BRIGNB_OUTPUT`, redacted.
    """

    id: str
    build_id: str
    attempt: int
    name: str
    image: str | None
    state: State
    exit_code: int | None = None
    reason: str | None = None
    started_at: int | None = None
    finished_at: int | None = None
    digest: str | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)

    def to_wire(self) -> dict[str, Any]:
        """Field by field, as it travels over the control socket; `JobRecord(**…)` with a State takes it back."""
        return {name: getattr(self, name) for name in self.__slots__}

    def to_json(self) -> dict[str, Any]:
        """As the contract's element of `jobs`."""
        return {
            "id": self.id,
            "name": self.name,
            "image": self.image,
            "state": str(self.state),
            "exit_code": self.exit_code,
            "reason": self.reason,
            "attempt": self.attempt,
            "started_at": rfc3339_or_none(self.started_at),
            "finished_at": rfc3339_or_none(self.finished_at),
            "digest": self.digest,
            "outputs": dict(self.outputs),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """One worker run for one event. Times are milliseconds since 1970.

    Args:
        attempt: From 1; grows each time the build is queued again. It is the fence too: a worker of an earlier attempt can
            change nothing any more.
        losses: How often it was lost half-way and run again by the project's `retries`.
        message: A sentence for people that goes with `reason`.
        first_cell_at: When the store durably noted the start of its first user cell; None before.
        cancel_requested: Somebody asked a running build to end.
        holder: Who runs it, where that is no process of the controller's, such as `pod/brignb-worker-…`; None: it has none.
        lease_until: Until when the holder is believed to live; None without one.
        given_notebook: SHA-256 of its notebook, where that was given to a rerun; None: it is the commit's own, or the project's.
    """

    id: str
    project: str
    event_id: str
    event_type: str
    event_source: str
    revision: Revision
    any_commit: bool
    state: State
    reason: str | None = None
    message: str | None = None
    attempt: int = 1
    losses: int = 0
    created_at: int
    started_at: int | None = None
    finished_at: int | None = None
    first_cell_at: int | None = None
    tier: str | None = None
    cancel_requested: bool = False
    holder: str | None = None
    lease_until: int | None = None
    given_notebook: str | None = None
    jobs: tuple[JobRecord, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """As the contract's build."""
        return {
            "id": self.id,
            "project": self.project,
            "event": {
                "id": self.event_id,
                "type": self.event_type,
                "source": self.event_source,
                "revision": self.revision.to_json(),
            },
            "state": str(self.state),
            "reason": self.reason,
            "message": self.message,
            "attempt": self.attempt,
            "created_at": rfc3339(self.created_at),
            "started_at": rfc3339_or_none(self.started_at),
            "finished_at": rfc3339_or_none(self.finished_at),
            "worker": {"tier": self.tier},
            "given_notebook": self.given_notebook,
            "jobs": [job.to_json() for job in self.jobs],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a worker's run ended.

    Args:
        state: A terminal one.
        reason: One word for programs, such as `no_handler`, `cell_error`, `handler_error`, `job_failed`, `parameter`.
        message: One sentence for people, redacted.
    """

    state: State
    reason: str | None = None
    message: str | None = None


CANCELED: Final = Outcome(state=State.CANCELED, reason="canceled", message="the build was canceled")
"""Of a build that somebody ended."""
