"""`/api/projects`: project files in, projects without their secrets out."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from brignb.api.answers import JSON
from brignb.api.bodies import read_body
from brignb.api.services import Services
from brignb.api.shapes import ERRORS, CreatedProject, ProjectPage, ProjectShape
from brignb.errors import NotFound
from brignb.model import projectfile
from brignb.model.projects import Project
from brignb.store.seam import Store

FILE: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "A project file, YAML or JSON",
        "content": {"application/yaml": {"schema": {"type": "string"}}},
    }
}
_NAME_MAX: Final = 200


async def existing(store: Store, name: str) -> Project:
    """A project by its name.

    Raises:
        NotFound: There is none.
    """
    project = await store.project(name)
    if project is None:
        raise NotFound(f"there is no project {name[:_NAME_MAX]!r}", where="project", hint="`brignb project list`")
    return project


def router(services: Services) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/api/projects", tags=["projects"], responses=ERRORS)
    store = services.store

    @routes.get("", responses={200: {"model": ProjectPage}})
    async def list_projects() -> Response:
        """All projects, by name."""
        return JSON({"items": [project.public() for project in await store.projects()], "next": None})

    @routes.post(
        "",
        status_code=201,
        openapi_extra=FILE,
        responses={
            201: {"model": CreatedProject},
            200: {"model": CreatedProject, "description": "Replaced"},
        },
    )
    async def create_project(
        request: Request,
        *,
        replace: bool = False,
        name: Annotated[str, Query(max_length=_NAME_MAX, description="The file's, for messages")] = "project.yaml",
    ) -> Response:
        """Register a project by its file; with `replace` one that exists is replaced and keeps its history."""
        text = await read_body(request.headers, request.receive, projectfile.SIZE_MAX)
        file = projectfile.read(text, name=name)
        new = await store.put_project(file.project, at=services.now_ms(), replace=replace)
        warnings = [*file.warnings]
        if services.cr and not file.project.registry_secret:
            warnings.append(f"{name}: without a `registrySecret` anybody may send registry webhooks for it (--cr)")
        return JSON({**file.project.public(), "warnings": warnings}, 201 if new else 200)

    @routes.get("/{owner}/{repo:path}", responses={200: {"model": ProjectShape}})
    async def show_project(owner: str, repo: str) -> Response:
        """One project."""
        return JSON((await existing(store, f"{owner}/{repo}")).public())

    @routes.delete(
        "/{owner}/{repo:path}",
        status_code=204,
    )
    async def delete_project(owner: str, repo: str) -> Response:
        """Forget a project, with its events and builds."""
        project = await existing(store, f"{owner}/{repo}")
        builds = await store.delete_project(project.name)
        await asyncio.to_thread(services.archive.forget, builds or ())
        return Response(status_code=204)

    return routes
