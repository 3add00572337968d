"""`/api/worker`: what workers in pods ask and tell (`brignb.controller.desk`; their half is `brignb.client.desk`).

| what | who | answers |
|---|---|---|
| `POST next?seconds=` `{"worker": pod}` | a pool's | 200 an offer; 204 none came, ask again |
| `POST take` `{"worker": pod}` | a build's | 200 an offer; 409 it is not this pod's |
| `POST renew` | a build's, as all below | 200 `{"lease_seconds", "cancel"}` |
| `GET source` | | 200 the work tree of its commit, a tar; 404 it has none |
| `GET streams` | | 200 `{"worker": size, "journal": size}` |
| `POST started`, `jobs`, `finished` | | 204 |
| `POST streams/{stream}?offset=`, `spill/{name}?offset=` | | 204, also of bytes that are there already |
| `PUT documents/{name}`, `artifacts/{job}` | | 204 |
| `POST events`, `Idempotency-Key` | | 202 `{"event", "build"}` |

A token names the build and its attempt, so no path does. 409: the attempt is over, and the worker's business with it.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from typing import IO, Annotated, Final, Literal

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from brignb.api.answers import JSON, Rejected
from brignb.api.bodies import read_body
from brignb.api.events import IdempotencyKey, keys
from brignb.api.guarding import CLAIM
from brignb.api.listenershapes import ENDS, EventFacts, JobFacts
from brignb.api.posting import posted
from brignb.api.services import Desk, Services
from brignb.api.shapes import Shape
from brignb.api.sources import packed
from brignb.archive.seam import RECORD
from brignb.errors import BadInput, Refused, Unreachable
from brignb.model.builds import Outcome, State
from brignb.model.events import event_type
from brignb.model.names import is_job_id
from brignb.model.tokens import BuildClaim, PoolClaim

POLL: Final = 20.0
"""Seconds that a call for the next build waits at most."""
CHUNK: Final = 8 * 1024 * 1024
"""Bytes of a stream in one call."""
DOCUMENT: Final = 256 * 1024 * 1024
"""Bytes of a record: four times what a run may put into it."""
ARTIFACTS: Final = 256 * 1024 * 1024
"""Bytes of what a job has left for others."""
_PIECE: Final = 1 << 20

Offset = Annotated[int, Query(ge=0, description="Where these bytes begin; sent twice, they are there once")]


class PostedWorker(Shape):
    """Who asks for a build."""

    worker: str = Field(
        min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", description="The pod's name"
    )


class PostedOutcome(Shape):
    """How a build ended; `lost`: its process died without a word."""

    state: ENDS | Literal["lost"]
    reason: str | None = None
    message: str | None = None


def router(services: Services, desk: Desk) -> APIRouter:
    """The routes, but for jobs (`runs`)."""
    routes = APIRouter(prefix="/api/worker")
    _taking(routes, desk)
    _telling(routes, desk)
    _sending(routes, services, desk)
    return routes


def build_of(request: Request) -> BuildClaim:
    """Of which attempt of which build the caller may speak.

    Raises:
        Refused: Of none.
    """
    claim = request.scope[CLAIM]
    if not isinstance(claim, BuildClaim):
        raise Refused("this is about a build", where="Authorization", hint="send the token of the build's offer")
    return claim


def _pool_of(request: Request) -> PoolClaim:
    claim = request.scope[CLAIM]
    if not isinstance(claim, PoolClaim):
        raise Refused("the next build is for a project's pool", where="Authorization", hint="`take` is for one build")
    return claim


def _taking(routes: APIRouter, desk: Desk) -> None:
    @routes.post("/next")
    async def next_build(request: Request, seconds: Annotated[float, Query(ge=0, le=POLL)] = POLL) -> Response:
        claim, said = _pool_of(request), await posted(request, PostedWorker)

        async def gone() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass

        offer = await desk.next(claim, said.worker, seconds=seconds, gone=gone)
        return JSON(offer.to_json()) if offer else Response(status_code=204)

    @routes.post("/take")
    async def take(request: Request) -> Response:
        claim, said = build_of(request), await posted(request, PostedWorker)
        return JSON((await desk.take(claim, said.worker)).to_json())

    @routes.post("/renew")
    async def renew(request: Request) -> Response:
        return JSON({"lease_seconds": desk.seconds, "cancel": await desk.renew(build_of(request))})


def _telling(routes: APIRouter, desk: Desk) -> None:
    @routes.post("/started", status_code=204)
    async def started(request: Request) -> Response:
        await desk.started(build_of(request))
        return Response(status_code=204)

    @routes.post("/jobs", status_code=204)
    async def job(request: Request) -> Response:
        claim, said = build_of(request), await posted(request, JobFacts)
        await desk.job(claim, said.record(claim.build_id, claim.attempt))
        return Response(status_code=204)

    @routes.post("/events", status_code=202)
    async def emit(request: Request, idempotency_key: IdempotencyKey = None) -> Response:
        claim, said = build_of(request), await posted(request, EventFacts)
        kind = event_type(said.type, where="type")
        told = await desk.emit(claim, kind, said.payload, keys=keys(idempotency_key))
        return JSON({"status": "accepted", **told}, 202)

    @routes.post("/finished", status_code=204)
    async def finished(request: Request) -> Response:
        claim, said = build_of(request), await posted(request, PostedOutcome)
        outcome = Outcome(state=State(said.state), reason=said.reason, message=said.message)
        await desk.finished(claim, outcome)
        return Response(status_code=204)


def _sending(routes: APIRouter, services: Services, desk: Desk) -> None:
    @routes.get("/source")
    async def source(request: Request) -> Response:
        return await packed(services, await desk.theirs(build_of(request)))

    @routes.get("/streams")
    async def streams(request: Request) -> Response:
        return JSON(dict(await desk.streams(build_of(request))))

    @routes.post("/streams/{stream}", status_code=204)
    async def append(stream: str, request: Request, offset: Offset) -> Response:
        data = await read_body(request.headers, request.receive, CHUNK)
        await desk.append(build_of(request), stream, offset=offset, data=data)
        return Response(status_code=204)

    @routes.post("/spill/{name}", status_code=204)
    async def spill(name: str, request: Request, offset: Offset) -> Response:
        data = await read_body(request.headers, request.receive, CHUNK)
        await desk.spill(build_of(request), name, offset=offset, data=data)
        return Response(status_code=204)

    @routes.put("/documents/{name}", status_code=204)
    async def document(name: str, request: Request) -> Response:
        if name != RECORD:
            raise BadInput(f"{name!r:.100} is not a worker's to write", where="documents", hint=RECORD)
        await desk.theirs(build_of(request))  # before a byte of it is kept
        data = await read_body(request.headers, request.receive, DOCUMENT)
        await desk.document(build_of(request), name, data)
        return Response(status_code=204)

    @routes.put("/artifacts/{job_id}", status_code=204)
    async def artifacts(job_id: str, request: Request) -> Response:
        claim = build_of(request)
        if not is_job_id(job_id):
            raise BadInput(f"{job_id!r:.100} is no job's id", where="artifacts")
        await desk.theirs(claim)  # before a byte of it is kept
        with tempfile.TemporaryFile() as file:
            size = 0
            try:
                async for chunk in request.stream():
                    if (size := size + len(chunk)) > ARTIFACTS:
                        raise Rejected(413, "too_large", f"a job leaves at most {ARTIFACTS >> 20} MiB", where="body")
                    await asyncio.to_thread(file.write, chunk)
            except ClientDisconnect:
                raise Unreachable("the worker hung up while it sent what a job left") from None
            file.seek(0)
            await desk.artifacts(claim, job_id, _pieces(file))
        return Response(status_code=204)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece
