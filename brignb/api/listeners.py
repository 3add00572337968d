"""`/api/listeners`: notebooks that take a project's events instead of workers (contract, "The same for an event that a notebook took").

    POST …/listeners ──▶ POST …/next ──▶ started ──▶ jobs, streams, events ──▶ finished ──▶ POST …/next …

Every call renews the lease. What a kernel says of a build names its attempt, and is heard while the lease holds that build.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from brignb.api.answers import JSON
from brignb.api.bodies import read_body
from brignb.api.listenershapes import (
    EmittedEvent,
    ListenerShape,
    OfferShape,
    PostedEnd,
    PostedJob,
    PostedListener,
    PostedStart,
    RenewedShape,
    StartedShape,
)
from brignb.api.posting import described, posted
from brignb.api.projects import existing
from brignb.api.services import Notebooks, Services
from brignb.api.shapes import ERRORS, AcceptedShape
from brignb.errors import Conflict
from brignb.model.builds import Build, Outcome, State
from brignb.model.events import Event, event_type
from brignb.model.times import rfc3339
from brignb.store.seam import Wanted

POLL: Final = 4.0
"""Seconds that a call for the next event waits at most: less than a lease, which such a call renews."""
CHUNK: Final = 4 * 1024 * 1024
"""Bytes of a stream in one call."""
_DONE: Final[dict[int | str, dict[str, Any]]] = {204: {"description": "Done"}}
_BUILD: Final = "/listeners/{listener_id}/builds/{build_id}"


def router(services: Services) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/api", tags=["listeners"], responses=ERRORS)
    _leases(routes, services)
    _held(routes, services.notebooks)
    return routes


def _leases(routes: APIRouter, services: Services) -> None:
    notebooks = services.notebooks

    @routes.post(
        "/projects/{owner}/{repo:path}/listeners",
        status_code=201,
        openapi_extra=described(PostedListener),
        responses={201: {"model": ListenerShape}},
    )
    async def listen(owner: str, repo: str, request: Request) -> Response:
        """From now on the project's events of these types wait for this notebook, not for a worker."""
        if not services.listens:
            hint = (
                "listen to a whole server, which is one process; `brignb debug BUILD` has what a build of this one did"
            )
            raise Conflict(
                "its controller is another process: notebooks cannot take its events", where="server", hint=hint
            )
        asked = await posted(request, PostedListener)
        types = tuple(each if each == "*" else event_type(each, where="types") for each in asked.types)
        project = await existing(services.store, f"{owner}/{repo}")
        listener = notebooks.open(Wanted(project.name, types))
        facts = {"id": listener, "project": project.name, "types": types, "lease_seconds": notebooks.seconds}
        return JSON(facts, 201)

    @routes.post("/listeners/{listener_id}", responses={200: {"model": RenewedShape}})
    async def renew(listener_id: str) -> Response:
        """The notebook lives; answers whether the build that it holds is to end."""
        build = await notebooks.renew(listener_id)
        held = {"build": build.id, "attempt": build.attempt, "cancel": build.cancel_requested} if build else None
        return JSON({"lease_seconds": notebooks.seconds, "held": held})

    @routes.delete("/listeners/{listener_id}", status_code=204)
    async def end(listener_id: str) -> Response:
        """It listens no more; what waits goes to workers at once."""
        await notebooks.close(listener_id)
        return Response(status_code=204)

    @routes.post(
        "/listeners/{listener_id}/next",
        responses={200: {"model": OfferShape}, 204: {"description": "None came; ask again"}},
    )
    async def next_event(
        listener_id: str,
        request: Request,
        seconds: Annotated[float, Query(ge=0, le=POLL, description="How long to wait for one")] = POLL,
    ) -> Response:
        """The next event, once there is one; the one that was answered before, until it has ended."""

        async def gone() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass

        taken = await notebooks.next(listener_id, seconds=seconds, gone=gone)
        return JSON(_offer(*taken)) if taken else Response(status_code=204)


def _held(routes: APIRouter, notebooks: Notebooks) -> None:
    """What a notebook says of the build that it holds."""

    @routes.post(f"{_BUILD}/started", openapi_extra=described(PostedStart), responses={200: {"model": StartedShape}})
    async def started(listener_id: str, build_id: str, request: Request) -> Response:
        """Its first line runs once this is answered: until then a build whose notebook dies is queued again, afterwards it is `lost`."""
        said = await posted(request, PostedStart)
        notebook = json.dumps(said.notebook).encode()
        return JSON(await notebooks.started(listener_id, build_id, said.attempt, notebook))

    @routes.post(f"{_BUILD}/jobs", status_code=204, openapi_extra=described(PostedJob), responses=_DONE)
    async def job(listener_id: str, build_id: str, request: Request) -> Response:
        """A job's state."""
        said = await posted(request, PostedJob)
        await notebooks.job(listener_id, said.record(build_id, said.attempt))
        return Response(status_code=204)

    @routes.post(
        f"{_BUILD}/streams/{{stream}}",
        status_code=204,
        openapi_extra={"requestBody": {"required": True, "content": {"application/octet-stream": {}}}},
        responses=_DONE,
    )
    async def append(
        listener_id: str,
        build_id: str,
        stream: str,
        request: Request,
        attempt: Annotated[int, Query(ge=1)],
        offset: Annotated[int, Query(ge=0, description="Where these bytes begin; sent twice, they are there once")],
    ) -> Response:
        """More of `worker` (what the handlers printed), of `journal` (what the record is made of), or of a job's log, by its id."""
        data = await read_body(request.headers, request.receive, CHUNK)
        await notebooks.append(listener_id, build_id, attempt, stream, offset=offset, data=data)
        return Response(status_code=204)

    @routes.post(
        f"{_BUILD}/events",
        status_code=202,
        openapi_extra=described(EmittedEvent),
        responses={202: {"model": AcceptedShape}},
    )
    async def emit(listener_id: str, build_id: str, request: Request) -> Response:
        """`events.emit`: the next event, of the same project and revision; it is durable when this is answered."""
        said = await posted(request, EmittedEvent)
        kind = event_type(said.type, where="type")
        told = await notebooks.emit(listener_id, build_id, said.attempt, kind, said.payload)
        return JSON({"status": "accepted", **told}, 202)

    @routes.post(f"{_BUILD}/finished", status_code=204, openapi_extra=described(PostedEnd), responses=_DONE)
    async def finished(listener_id: str, build_id: str, request: Request) -> Response:
        """How it ended; its streams are whole by then."""
        said = await posted(request, PostedEnd)
        outcome = Outcome(state=State(said.state), reason=said.reason, message=said.message)
        await notebooks.finish(listener_id, build_id, said.attempt, outcome)
        return Response(status_code=204)


def _offer(build: Build, event: Event) -> dict[str, Any]:
    created = rfc3339(build.created_at)
    return {"build": build.id, "attempt": build.attempt, "created_at": created, "event": event.to_json()}
