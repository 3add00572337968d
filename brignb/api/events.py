"""`/api/events`, and events that the API's callers raise themselves."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response

from brignb.api.answers import JSON
from brignb.api.inbox import Inbox, status_of, told
from brignb.api.posting import described, posted
from brignb.api.projects import existing
from brignb.api.services import Services
from brignb.api.shapes import ACCEPTED, ERRORS, EventPage, EventShape, PostedEvent
from brignb.errors import NotFound
from brignb.model.events import DedupeKey, Draft, Event, Revision, event_type

IDEMPOTENCY_MS: Final = 90 * 24 * 60 * 60 * 1000
"""For how long a sent `Idempotency-Key` is remembered."""

IdempotencyKey = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=200, description="The same key, the same event"),
]
Cursor = Annotated[str | None, Query(max_length=100, description="The `next` of the page before")]


def keys(idempotency_key: str | None) -> tuple[DedupeKey, ...]:
    """How a repeated call is known again: only by what the caller sent."""
    return (DedupeKey("idempotency", idempotency_key, IDEMPOTENCY_MS),) if idempotency_key else ()


def router(services: Services, inbox: Inbox) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/api", tags=["events"], responses=ERRORS)
    store = services.store

    @routes.post(
        "/projects/{owner}/{repo:path}/events",
        status_code=202,
        openapi_extra=described(PostedEvent),
        responses=ACCEPTED,
    )
    async def create_event(owner: str, repo: str, request: Request, idempotency_key: IdempotencyKey = None) -> Response:
        """Raise an event; it is durable when this is answered."""
        given = await posted(request, PostedEvent)
        project = await existing(store, f"{owner}/{repo}")
        draft = Draft(
            gateway="api",
            source=given.source,
            type=event_type(given.type, where="type"),
            payload=_text(given.payload),
            revision=_revision(given),
            any_commit=True,
            keys=keys(idempotency_key),
        )
        accepted = await inbox.accept(project.name, [draft])
        return JSON(told(accepted[0]), status_of(accepted))

    @routes.get("/events", responses={200: {"model": EventPage}})
    async def list_events(
        project: str | None = None, limit: Annotated[int, Query(ge=1)] = 50, cursor: Cursor = None
    ) -> Response:
        """Newest first, without payloads."""
        if project is not None:
            await existing(store, project)
        page = await store.events(project=project, limit=limit, cursor=cursor)
        return JSON({"items": [_listed(event) for event in page.items], "next": page.next})

    @routes.get("/events/{event_id}", responses={200: {"model": EventShape}})
    async def show_event(event_id: str) -> Response:
        """One event, with its payload."""
        event = await store.event(event_id)
        if event is None:
            raise NotFound(f"there is no event {event_id[:60]!r}", where="event")
        return JSON(event.to_json())

    return routes


def _listed(event: Event) -> dict[str, Any]:
    return {name: value for name, value in event.to_json().items() if name != "payload"}


def _text(payload: Any) -> str:
    """The payload as the event keeps it: a text as it is, any other JSON as JSON."""
    if isinstance(payload, str):
        return payload
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"))


def _revision(given: PostedEvent) -> Revision:
    asked = given.revision
    if asked is None:
        return Revision()
    commit, ref = Revision.parse(asked.commit), Revision.parse(asked.ref)
    return Revision(commit=commit.commit or ref.commit, ref=ref.ref or commit.ref)
