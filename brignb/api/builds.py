"""`/api/builds`: what became of events, and the few things one can do about it."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from brignb.api.answers import JSON
from brignb.api.bodies import read_body
from brignb.api.events import Cursor, IdempotencyKey, keys
from brignb.api.inbox import Inbox, status_of, told
from brignb.api.posting import LIMIT
from brignb.api.projects import existing
from brignb.api.services import Services
from brignb.api.shapes import ACCEPTED, ERRORS, BuildPage, BuildShape, JobPage
from brignb.errors import NotFound
from brignb.export import check
from brignb.model.builds import Build, State
from brignb.model.events import Draft
from brignb.model.redaction import Redactor
from brignb.store.seam import Store

NOTEBOOK: Final = "application/x-ipynb+json"
_GIVEN: Final[dict[str, Any]] = {
    "requestBody": {
        "required": False,
        "description": "A notebook to run instead of the one that ran",
        "content": {NOTEBOOK: {"schema": {"type": "object"}}},
    }
}


async def known(store: Store, build_id: str) -> Build:
    """A build by its id.

    Raises:
        NotFound: There is none.
    """
    build = await store.build(build_id)
    if build is None:
        raise NotFound(f"there is no build {build_id[:60]!r}", where="build", hint="`brignb build list`")
    return build


def router(services: Services, inbox: Inbox) -> APIRouter:
    """The routes, but for the logs."""
    routes = APIRouter(prefix="/api/builds", tags=["builds"], responses=ERRORS)
    store = services.store

    @routes.get("", responses={200: {"model": BuildPage}})
    async def list_builds(
        project: str | None = None,
        state: State | None = None,
        limit: Annotated[int, Query(ge=1)] = 50,
        cursor: Cursor = None,
    ) -> Response:
        """Newest first; a page has at most 1,000."""
        if project is not None:
            await existing(store, project)
        page = await store.builds(project=project, state=state, limit=limit, cursor=cursor)
        return JSON({"items": [build.to_json() for build in page.items], "next": page.next})

    @routes.get("/{build_id}", responses={200: {"model": BuildShape}})
    async def show_build(build_id: str) -> Response:
        """One build."""
        return JSON((await known(store, build_id)).to_json())

    @routes.get("/{build_id}/jobs", responses={200: {"model": JobPage}})
    async def list_jobs(build_id: str) -> Response:
        """Its jobs, in the order in which they were started."""
        build = await known(store, build_id)
        return JSON({"items": [job.to_json() for job in build.jobs], "next": None})

    @routes.get("/{build_id}/record", responses={200: {"content": {NOTEBOOK: {}}}})
    async def show_record(build_id: str) -> Response:
        """The executed notebook; while the build runs, as far as it has come."""
        build = await known(store, build_id)
        record = await services.record(build.id)
        if record is None:
            raise _no_record(build)
        name = {"content-disposition": f'attachment; filename="{build.id}.ipynb"'}
        return Response(record, headers=name, media_type=NOTEBOOK)

    @routes.post("/{build_id}/cancel", responses={200: {"model": BuildShape}})
    async def cancel_build(build_id: str) -> Response:
        """End a build that waits or runs; one that has ended stays as it is. Answers it as it is now."""
        await known(store, build_id)
        await services.cancel(build_id)
        return JSON((await known(store, build_id)).to_json())

    @routes.post("/{build_id}/rerun", status_code=202, openapi_extra=_GIVEN, responses=ACCEPTED)
    async def rerun_build(
        build_id: str,
        request: Request,
        idempotency_key: IdempotencyKey = None,
        name: Annotated[str, Query(max_length=200, description="The notebook's, for messages")] = "notebook",
    ) -> Response:
        """A new build of a new event that says the same, at the commit that was resolved; with the notebook that is given, if one is."""
        build = await known(store, build_id)
        given = await read_body(request.headers, request.receive, LIMIT)
        if given:
            project = await existing(store, build.project)
            await asyncio.to_thread(check, given, name=name, redactor=Redactor(project.secret_values()))
        event = await store.event(build.event_id)
        if event is None:
            raise NotFound("its event is no longer kept", where=build.id)
        draft = Draft(
            gateway="api",
            source=event.source,
            type=event.type,
            payload=event.payload,
            revision=event.revision,
            image=event.image,
            any_commit=True,
            keys=keys(idempotency_key),
            cause=event.cause,
            attributes=event.attributes,
        )
        notebook = given or (await store.notebook(build.id) if build.given_notebook else None)
        accepted = await inbox.accept(build.project, [draft], notebook=notebook)
        return JSON(told(accepted[0]), status_of(accepted))

    return routes


def _no_record(build: Build) -> NotFound:
    """Why there is none: it has not begun, or it never had a notebook."""
    if not build.state.terminal:
        return NotFound("there is no record yet", where=build.id, hint=f"the build is {build.state}; ask again later")
    why = build.message or build.reason or build.state
    return NotFound("there is no record: no notebook was executed", where=build.id, hint=str(why))
