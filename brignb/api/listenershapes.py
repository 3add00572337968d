"""What a notebook that listens posts, and what it is answered."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from brignb.api.shapes import STATES, EventShape, Shape
from brignb.errors import BadInput
from brignb.model.builds import JobRecord, State
from brignb.model.names import is_job_id

Attempt = Annotated[int, Field(ge=1, le=2**31 - 1)]
ExitCode = Annotated[int, Field(ge=-(2**31), le=2**32 - 1)]
Moment = Annotated[int, Field(ge=0, le=253_402_300_799_999, description="Milliseconds since 1970, up to the year 9999")]
"""What no store could keep, or no answer could write as a time, would break every later look at the build."""
ENDS = Literal["succeeded", "failed", "canceled", "timed_out"]


class PostedListener(Shape):
    """What a notebook wants to take."""

    types: list[str] = Field(default=[], max_length=100, description="Event types, as handlers name them; none: all")


class ListenerShape(Shape):
    """A lease: the project's events of these types are offered to who holds it, until it has said nothing for so long."""

    id: str
    project: str
    types: list[str]
    lease_seconds: float


class OfferShape(Shape):
    """A build, for this notebook to handle; `attempt` goes with every word about it."""

    build: str
    attempt: int
    created_at: str
    event: EventShape


class HeldShape(Shape):
    """The build that the notebook holds, if it does."""

    build: str
    attempt: int
    cancel: bool = Field(description="Somebody wants it to end")


class RenewedShape(Shape):
    """The lease goes on."""

    lease_seconds: float
    held: HeldShape | None


class PostedStart(Shape):
    """The first line is about to run."""

    attempt: Attempt
    notebook: dict[str, Any] = Field(description="What the record begins with: a notebook's JSON")


class StartedShape(Shape):
    """From where on the build's own streams are appended to."""

    worker: int
    journal: int


class JobFacts(Shape):
    """A job's state; times are milliseconds since 1970."""

    id: str = Field(max_length=64)
    name: str = Field(max_length=36)
    image: str | None = None
    state: STATES
    exit_code: ExitCode | None = None
    reason: str | None = None
    started_at: Moment | None = None
    finished_at: Moment | None = None
    digest: str | None = Field(default=None, max_length=64)
    outputs: dict[str, str] = Field(default={})

    def record(self, build_id: str, attempt: int) -> JobRecord:
        """Of that attempt of a build.

        Raises:
            BadInput: Its id is none, or not that of its name.
        """
        if not is_job_id(self.id):
            raise BadInput("it is no job's id", where="id")
        if self.name != self.id.rpartition("-")[0]:
            raise BadInput("it is not the name in the job's id", where="name")
        facts = {name: getattr(self, name) for name in JobFacts.model_fields}
        return JobRecord(build_id=build_id, attempt=attempt, **{**facts, "state": State(self.state)})


class PostedJob(JobFacts):
    """A job's state, of an attempt."""

    attempt: Attempt


class EventFacts(Shape):
    """An event that a handler raises."""

    type: str = Field(min_length=1, max_length=200)
    payload: str = ""


class EmittedEvent(EventFacts):
    """An event that the notebook's handler raises."""

    attempt: Attempt


class PostedEnd(Shape):
    """How it ended."""

    attempt: Attempt
    state: ENDS
    reason: str | None = None
    message: str | None = None
