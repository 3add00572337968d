"""`/api/builds/{id}/notebook`, `…/source` and `…/jobs/{job}/artifacts`: what a build was made of, and left, for who debugs it.

The repository's credentials stay in the server; so do the project's secrets.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import tempfile
from collections.abc import Iterator
from typing import IO, Any, Final

from fastapi import APIRouter
from starlette.responses import Response, StreamingResponse

from brignb.api.builds import NOTEBOOK, known
from brignb.api.projects import existing
from brignb.api.services import Services
from brignb.api.shapes import ERRORS
from brignb.archive.seam import WORKER_NOTEBOOK
from brignb.errors import NotFound, SourceError, Unavailable
from brignb.model.builds import NOTEBOOK as BY_NOTEBOOK
from brignb.model.builds import Build
from brignb.model.projects import Project
from brignb.model.redaction import Redactor
from brignb.source.packing import pack

TAR: Final = "application/x-tar"
_CHUNK: Final = 1024 * 1024


def router(services: Services) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/api/builds", tags=["builds"], responses=ERRORS)

    @routes.get("/{build_id}/notebook", responses={200: {"content": {NOTEBOOK: {}}}})
    async def show_notebook(build_id: str) -> Response:
        """The author's notebook that the build ran: its commit's, the project's, or the one that its rerun was given."""
        build = await known(services.store, build_id)
        notebook = await authored(services, build)
        await asyncio.to_thread(_require_same, services, build, notebook)
        return Response(notebook, media_type=NOTEBOOK)

    @routes.get("/{build_id}/source", responses={200: {"content": {TAR: {}}}})
    async def show_source(build_id: str) -> Response:
        """The git work tree of the build's commit, `.git` and all, as a tar archive."""
        build = await known(services.store, build_id)
        return await packed(services, build)

    @routes.get("/{build_id}/jobs/{job_id}/artifacts", responses={200: {"content": {TAR: {}}}})
    async def show_artifacts(build_id: str, job_id: str) -> Response:
        """What a job left for others, as a tar archive; kept once the build has ended."""
        build = await known(services.store, build_id)
        file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it was sent
        if not await asyncio.to_thread(services.artifacts, build.id, job_id, file):
            file.close()
            raise NotFound("no artifacts of such a job are kept", where=f"{build.id}, job {job_id[:64]}")
        return _archive(file)

    return routes


async def packed(services: Services, build: Build) -> Response:
    """The git work tree of a build's commit, `.git` and all, as a tar archive.

    Raises:
        NotFound: It has none, or the repository has it no more.
        Unavailable: The repository does not answer.
    """
    project = await existing(services.store, build.project)
    commit = build.revision.commit
    if not project.clone_url or commit is None or build.tier == BY_NOTEBOOK:
        raise NotFound("it had no source of a commit", where=build.id, hint="its project names no `cloneURL`")
    file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it was sent
    try:
        with await services.source.tree(project, commit) as folder:
            await asyncio.to_thread(pack, folder, file)
    except SourceError as error:
        file.close()
        raise _unavailable(error, project) from error
    return _archive(file)


def _archive(file: IO[bytes]) -> Response:
    size = {"content-length": str(file.tell())}
    return StreamingResponse(_sent(file), headers=size, media_type=TAR)


async def authored(services: Services, build: Build) -> bytes:
    """The notebook that a build is of, as its author wrote it.

    Raises:
        NotFound: There is none, or not any more.
        Unavailable: The repository does not answer.
    """
    given = await services.store.notebook(build.id) if build.given_notebook else None
    if given is not None:
        return given
    if build.tier == BY_NOTEBOOK:
        raise NotFound("a notebook handled it, no worker", where=build.id, hint="debug it where it listened")
    project = await existing(services.store, build.project)
    found = None
    if project.clone_url and build.revision.commit:
        try:
            found = await services.source.notebook(project, build.revision.commit, project.notebook)
        except SourceError as error:
            raise _unavailable(error, project) from error
    if found is None and project.default_notebook is not None:
        found = project.default_notebook.encode()
    if found is None:
        raise NotFound("it has no notebook", where=build.id, hint=build.message or "")
    return found


def _require_same(services: Services, build: Build, notebook: bytes) -> None:
    """The project may name another one by now.

    Raises:
        NotFound: It is not what the build ran.
    """
    raw = services.archive.get(build.id, WORKER_NOTEBOOK)
    ran: dict[str, Any] = json.loads(raw)["metadata"]["brignb"]["source"] if raw else {}
    if ran and ran["sha256"] != hashlib.sha256(notebook).hexdigest():
        hint = f"it was {ran['name']!r}; `brignb build record {build.id}` has its cells"
        raise NotFound("the project names another notebook by now than this build ran", where=build.id, hint=hint)


def _unavailable(error: SourceError, project: Project) -> NotFound | Unavailable:
    """Git's words may repeat what it was given."""
    kind = Unavailable if error.reason == "repository_unreachable" else NotFound
    redact = Redactor(project.secret_values())
    return kind(redact(error.message), where=redact(error.where), hint=error.hint)


def _sent(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while chunk := file.read(_CHUNK):
            yield chunk
