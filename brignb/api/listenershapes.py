"""What a notebook that listens posts, and what it is answered."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from brignb.api.shapes import STATES, EventShape, Shape

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

    attempt: int
    notebook: dict[str, Any] = Field(description="What the record begins with: a notebook's JSON")


class StartedShape(Shape):
    """From where on the build's own streams are appended to."""

    worker: int
    journal: int


class PostedJob(Shape):
    """A job's state; times are milliseconds since 1970."""

    attempt: int
    id: str = Field(max_length=64)
    name: str = Field(max_length=36)
    image: str | None = None
    state: STATES
    exit_code: int | None = None
    reason: str | None = None
    started_at: int | None = None
    finished_at: int | None = None
    digest: str | None = Field(default=None, max_length=64)
    outputs: dict[str, str] = Field(default={})


class EmittedEvent(Shape):
    """An event that the notebook's handler raises."""

    attempt: int
    type: str = Field(min_length=1, max_length=200)
    payload: str = ""


class PostedEnd(Shape):
    """How it ended."""

    attempt: int
    state: ENDS
    reason: str | None = None
    message: str | None = None
