"""Everything below `/api`, by FastAPI: one app for people, one for workers in pods.

Imported by processes that serve it, and by no others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.requests import Request
from starlette.responses import Response

from brignb.api import builds, events, listeners, logs, projects, runs, sources, workers
from brignb.api.answers import failure
from brignb.api.inbox import Inbox
from brignb.api.services import Services
from brignb.errors import BadInput


def people_api(services: Services, inbox: Inbox, handlers: Mapping[Any, Any]) -> FastAPI:
    """For people and their programs; errors go to `handlers`, by their class."""
    routers = (
        events.router(services, inbox),  # these two before the projects, whose names may have slashes
        listeners.router(services),
        projects.router(services),
        logs.router(services),
        sources.router(services),
        builds.router(services, inbox),
    )
    api = FastAPI(
        title="brignb",
        version=services.version,
        summary="Events in, executed notebooks out.",
        routes=[route for router in routers for route in router.routes],
        openapi_url="/api/openapi.json",
        docs_url=None,  # they load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers={**handlers, RequestValidationError: _on_invalid},
    )
    api.openapi = lambda: _with_token(FastAPI.openapi(api))  # type: ignore[method-assign] # FastAPI's own way
    return api


def workers_api(services: Services, handlers: Mapping[Any, Any]) -> FastAPI:
    """What workers in pods ask; not for people, so without a document."""
    routers = [
        *([workers.router(services, services.desk)] if services.desk else ()),
        *([runs.router(services.runs)] if services.runs else ()),
    ]
    return FastAPI(
        routes=[route for router in routers for route in router.routes],
        openapi_url=None,
        redirect_slashes=False,
        exception_handlers={**handlers, RequestValidationError: _on_invalid},
    )


def _with_token(document: dict[str, Any]) -> dict[str, Any]:
    """The same document, saying what `Guarded` asks for."""
    document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{"token": []}]
    return document


async def _on_invalid(_request: Request, error: Exception) -> Response:
    """FastAPI's 422 as the contract's 400."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for these only
    first = error.errors()[0]
    place, *name = first["loc"]
    return failure(BadInput(str(first["msg"]), where=".".join(map(str, name)) or str(place)))
