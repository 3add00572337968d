"""`/api/worker/runs`: jobs that the server starts for a worker's build (`brignb.controller.runs`; the worker's half is `brignb.client.jobs`).

| what | answers |
|---|---|
| `POST …` `{"job": JobSpec, "told": Bookmark or null}` | 201 JobStatus; 422 refused, with the fields' names; 409 the attempt is over |
| `PUT …/{job}/source` | 204 once it was taken: a tar without its end, for a job whose `source` is not null |
| `GET …/{job}/lines?after=N` | objects, one a line, as they come; the last has `end`, how the job ended; one without anything is a sign of life |
| `GET …/{job}?wait=S` | JobStatus, once it has ended or after S seconds |
| `DELETE …/{job}` | JobStatus, once it is gone |
| `DELETE …` | `{job: JobStatus}`: the worker starts no more |

404 of a job that was started says that the server was replaced meanwhile: start it again, with how far its log was heard.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from starlette.requests import ClientDisconnect
from starlette.responses import Response, StreamingResponse

from brignb.api.answers import JSON, failure
from brignb.api.posting import posted
from brignb.api.services import Runs
from brignb.api.workers import build_of
from brignb.errors import JobRefused, NotFound, Unreachable
from brignb.model.jobs import Bookmark, Heard, JobSpec

WAIT_MAX: Final = 25.0
"""Seconds that a question for a job's end waits."""
ALIVE: Final = 10.0
"""Seconds of silence after which a follower is told that its connection lives."""
LINES: Final = "application/x-ndjson"
_REFUSED: Final = 422
_UNBUFFERED: Final = {"x-accel-buffering": "no"}
_NOTHING: Final = b"{}\n"


class PostedRun(BaseModel):
    """A job to start; the server says whose it is."""

    job: JobSpec
    told: Bookmark | None = None


def router(runs: Runs) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/api/worker/runs")

    @routes.post("")
    async def start(request: Request) -> Response:
        asked = await posted(request, PostedRun)
        try:
            status = await runs.start(build_of(request), asked.job, asked.told)
        except JobRefused as error:
            return failure(_spoken(error), _REFUSED)
        return JSON(status.to_json(), 201)

    @routes.put("/{job_id}/source")
    async def bring(job_id: str, request: Request) -> Response:
        await runs.bring(build_of(request), job_id, _body(request))
        return Response(status_code=204)

    @routes.get("/{job_id}/lines")
    async def lines(job_id: str, request: Request, after: Annotated[int, Query(ge=0)] = 0) -> Response:
        heard = runs.follow(build_of(request), job_id, after)
        return StreamingResponse(_told(heard), headers=_UNBUFFERED, media_type=LINES)

    @routes.get("/{job_id}")
    async def status(job_id: str, request: Request, wait: Annotated[float, Query(ge=0, le=WAIT_MAX)] = 0.0) -> Response:
        return JSON((await runs.status(build_of(request), job_id, seconds=wait)).to_json())

    @routes.delete("/{job_id}")
    async def cancel(job_id: str, request: Request) -> Response:
        return JSON((await runs.cancel(build_of(request), job_id)).to_json())

    @routes.delete("")
    async def end(request: Request) -> Response:
        ended = await runs.end(build_of(request))
        return JSON({job_id: status.to_json() for job_id, status in ended.items()})

    return routes


def _spoken(error: JobRefused) -> JobRefused:
    """The refusal whose message is its reason: the worker makes one of its own of it."""
    error.message = error.reason
    return error


async def _body(request: Request) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            if chunk:
                yield chunk
    except ClientDisconnect:
        raise Unreachable("the worker hung up while it sent the source") from None


async def _told(heard: AsyncIterator[Heard]) -> AsyncIterator[bytes]:
    """A silent job's follower hears that the connection lives; the wait for news goes on meanwhile."""
    waiting: asyncio.Future[Heard] = asyncio.ensure_future(anext(heard))
    try:
        while True:
            if not waiting.done():
                yield _NOTHING  # at once, too: the headers go out with it
                await asyncio.wait({waiting}, timeout=ALIVE)
                continue
            news = waiting.result()
            yield _line(news)
            if news.ended:
                return
            waiting = asyncio.ensure_future(anext(heard))
            await asyncio.wait({waiting}, timeout=ALIVE)
    except NotFound as error:
        yield json.dumps({"error": error.to_json()}).encode() + b"\n"
    finally:
        waiting.cancel()


def _line(heard: Heard) -> bytes:
    status, place = heard.status.to_json(), heard.bookmark
    if heard.ended:
        return json.dumps({"end": status}).encode() + b"\n"
    lines = [[line.at, line.stream, line.text, line.partial] for line in heard.lines]
    told: dict[str, Any] = {"lines": lines, "at": place.at, "size": place.size, "status": status}
    return json.dumps(told, separators=(",", ":")).encode() + b"\n"
