"""What the API's bodies look like: the source of the OpenAPI document, and the check of what callers post.

Answers are not passed through these models; `to_json` of the values makes them, and a test holds the two together.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

STATES = Literal["pending", "running", "succeeded", "failed", "canceled", "timed_out", "lost"]


class Shape(BaseModel):
    """A body that has these fields and no others."""

    model_config = ConfigDict(extra="forbid", str_max_length=64 * 1024 * 1024)


class RevisionShape(Shape):
    """What to check out: the commit wins over the ref; neither means the remote's HEAD."""

    commit: str | None = Field(default=None, description="40 or 64 hex digits; anything else is taken as a ref")
    ref: str | None = None


class PostedEvent(Shape):
    """An event, as a caller posts it."""

    type: str = Field(min_length=1, max_length=200, examples=["push"])
    payload: Any = Field(default="", description="Any JSON; a text is the payload as it is")
    revision: RevisionShape | None = None
    source: Literal["api", "cli"] = "api"


class AcceptedShape(Shape):
    """What became of an event."""

    status: Literal["accepted", "duplicate"]
    event: str
    build: str


class ImageShape(Shape):
    """An image that a registry told of."""

    registry: str | None
    repository: str | None
    tag: str | None
    digest: str | None


class EventShape(Shape):
    """An event; lists leave the payload out."""

    id: str
    type: str
    source: str
    project: str
    build_id: str
    payload: str | None = None
    revision: RevisionShape
    image: ImageShape | None
    cause: dict[str, Any] | None
    attributes: dict[str, Any]


class BuildsEvent(Shape):
    """A build's event, in short."""

    id: str
    type: str
    source: str
    revision: RevisionShape


class WorkerShape(Shape):
    """What executes the notebook."""

    tier: str | None


class JobShape(Shape):
    """A job of a build."""

    id: str
    name: str
    image: str | None
    state: STATES
    exit_code: int | None
    reason: str | None
    attempt: int
    started_at: str | None
    finished_at: str | None
    digest: str | None = Field(description="Of what it was made of; the same digest, the same job")
    outputs: dict[str, str] = Field(description="What it wrote to $BRIGNB_OUTPUT, redacted")


class BuildShape(Shape):
    """A build. Times are RFC 3339, UTC."""

    id: str
    project: str
    event: BuildsEvent
    state: STATES
    reason: str | None
    message: str | None
    attempt: int
    created_at: str
    started_at: str | None
    finished_at: str | None
    worker: WorkerShape
    given_notebook: str | None = Field(
        description="SHA-256 of the notebook that a rerun was given; else it is the commit's"
    )
    jobs: list[JobShape]


class ProjectShape(BaseModel):
    """A project; secrets by name only."""

    model_config = ConfigDict(extra="allow")
    project: str
    id: str


class CreatedProject(ProjectShape):
    """A project, and what was odd in its file."""

    warnings: list[str]


class BuildPage(Shape):
    """Newest first."""

    items: list[BuildShape]
    next: str | None


class EventPage(Shape):
    """Newest first."""

    items: list[EventShape]
    next: str | None


class ProjectPage(Shape):
    """By name."""

    items: list[ProjectShape]
    next: str | None


class JobPage(Shape):
    """In the order in which they were started."""

    items: list[JobShape]
    next: str | None


class ErrorFacts(Shape):
    """What was wrong, where, and what to do."""

    code: str
    message: str
    where: str
    hint: str


class ErrorShape(Shape):
    """Every error."""

    error: ErrorFacts


ERRORS: dict[int | str, dict[str, Any]] = {
    "default": {"model": ErrorShape, "description": "What was wrong, where, and what to do"}
}
"""What any route of the API may answer besides its own."""

ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {"model": AcceptedShape},
    200: {"model": AcceptedShape, "description": "Seen before, by its Idempotency-Key"},
}
"""What a route answers that takes an event."""
