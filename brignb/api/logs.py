"""`/api/builds/{id}/logs`: as text for people, or as server-sent events that can be resumed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query
from starlette.responses import Response, StreamingResponse

from brignb.api.builds import known
from brignb.api.following import Following, Looks
from brignb.api.services import Services
from brignb.api.shapes import ERRORS
from brignb.archive.follow import Text, Told
from brignb.archive.seam import WORKER
from brignb.model.builds import Build
from brignb.model.times import rfc3339

EVENTS: Final = "text/event-stream"
_UNBUFFERED: Final = {"x-accel-buffering": "no"}
"""Asks a proxy to pass lines on at once."""
_ALIVE: Final = ": alive\n\n"


def router(services: Services) -> APIRouter:
    """The route."""
    routes = APIRouter(prefix="/api/builds", tags=["builds"], responses=ERRORS)
    looks = Looks(services.store, services.news)

    @routes.get("/{build_id}/logs", responses={200: {"content": {"text/plain": {}, EVENTS: {}}}})
    async def show_logs(
        build_id: str,
        *,
        job: Annotated[str | None, Query(max_length=100, description="A job's name or id, or `worker`")] = None,
        follow: Annotated[bool, Query(description="Until the build ends")] = False,
        cursor: Annotated[str, Query(max_length=20_000, description="Go on after a line; the `id` of its event")] = "",
        accept: Annotated[str, Header()] = "",
        last_event_id: Annotated[str, Header(alias="Last-Event-ID", max_length=20_000)] = "",
    ) -> Response:
        """Lines of the worker and all jobs, each with its `name | `; or those of one job."""
        build = await known(services.store, build_id)
        following = Following(services, looks, build, job=job, cursor=last_event_id or cursor)
        if build.state.terminal or not follow:
            following.require_job()
        if EVENTS in accept:
            return StreamingResponse(_events(following, follow=follow), headers=_UNBUFFERED, media_type=EVENTS)
        text = Text(prefixed=job is None)
        return StreamingResponse(_text(following, text, follow=follow), headers=_UNBUFFERED, media_type="text/plain")

    return routes


async def _text(following: Following, text: Text, *, follow: bool) -> AsyncIterator[str]:
    async for batch in following.lines(follow=follow):
        if shown := "".join(map(text.show, batch)):
            yield shown
    yield text.end()


async def _events(following: Following, *, follow: bool) -> AsyncIterator[str]:
    yield _ALIVE  # the headers go out with it, so that a caller knows at once that it follows
    async for batch in following.lines(follow=follow):
        yield "".join(map(_event, batch)) if batch else _ALIVE
    yield _end(following.build)


def _event(told: Told) -> str:
    line = told.line
    data: dict[str, Any] = {
        "at": rfc3339(line.at),
        "job": told.name,
        "job_id": None if told.stream == WORKER else told.stream,
        "stream": line.stream,
        "text": line.text,
    }
    if line.partial:
        data["partial"] = True
    return f"id: {told.cursor}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"


def _end(build: Build) -> str:
    data = {"state": str(build.state), "reason": build.reason, "message": build.message}
    return f"event: end\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"
