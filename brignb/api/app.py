"""The app, put together: every route with its callers.

    secured ──▶ Starlette ──▶ Guarded(SENDERS) ──▶ Intake                gateways, first: they are the hot path
                          ├─▶ Guarded(WORKER)  ──▶ FastAPI               everything below /api/worker
                          ├─▶ Guarded(TOKEN)   ──▶ FastAPI               everything else below /api
                          └─▶ Guarded(…)       ──▶ health, metrics, page

FastAPI sits behind one guard as a whole, so that no route of the API can be forgotten.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Route, request_response
from starlette.types import ASGIApp, Receive, Scope, Send

from brignb.api import later
from brignb.api.answers import on_crash, on_error, on_http
from brignb.api.greeting import Greeting
from brignb.api.guarding import Callers, Guarded, require_guarded, secured
from brignb.api.health import Health
from brignb.api.inbox import Inbox
from brignb.api.intake import Intake
from brignb.api.metrics import Metrics
from brignb.api.services import Services
from brignb.errors import BrignbError
from brignb.model.gateway import Greets

_HANDLERS: dict[Any, Any] = {BrignbError: on_error, HTTPException: on_http, Exception: on_crash}

Guard = Callable[[ASGIApp, Callers], Guarded]


def create_app(services: Services, *, workers: bool = True) -> ASGIApp:
    """The ASGI app.

    Args:
        services: What it is made of.
        workers: Whether it listens to workers; else they have an app of their own.

    Raises:
        RuntimeError: A route does not say who may call it.
    """
    metrics = Metrics(services.leads)
    inbox = Inbox(services, metrics)
    guard = _guard(services)
    return _app(
        [
            *_gateway_routes(services, inbox, metrics, guard),
            *(_worker_routes(services, guard) if workers and services.api else ()),
            *(_api_routes(services, inbox, metrics, guard) if services.api else ()),
            *_own_routes(services, metrics, guard),
        ]
    )


def create_worker_app(services: Services) -> ASGIApp:
    """The same for workers only."""
    return _app(_worker_routes(services, _guard(services)))


def _guard(services: Services) -> Guard:
    def guard(app: ASGIApp, callers: Callers) -> Guarded:
        return Guarded(app, callers, token=services.token, hosts=services.hosts, claim=services.claim)

    return guard


def _app(routes: list[Route]) -> ASGIApp:
    require_guarded(routes)
    app = Starlette(routes=routes, exception_handlers=_HANDLERS)
    app.router.redirect_slashes = False
    return secured(app)


def _gateway_routes(services: Services, inbox: Inbox, metrics: Metrics, guard: Guard) -> list[Route]:
    routes = []
    for gateway in services.gateways:
        closed = gateway.name == "registry" and not services.cr
        for route in gateway.routes:
            intake: ASGIApp = later.registries if closed else Intake(gateway, route, services, inbox, metrics)
            routes.append(Route(route.path, guard(intake, Callers.SENDERS), methods=["POST"]))
            if isinstance(gateway, Greets):
                greeting = guard(Greeting(gateway, services), Callers.SENDERS)
                routes.append(Route(route.path, greeting, methods=["OPTIONS"]))
    return routes


def _worker_routes(services: Services, guard: Guard) -> list[Route]:
    from brignb.api.rest import workers_api  # noqa: PLC0415 - the same

    return [Route("/api/worker/{path:path}", guard(workers_api(services, _HANDLERS), Callers.WORKER))]


def _api_routes(services: Services, inbox: Inbox, metrics: Metrics, guard: Guard) -> list[Route]:
    from brignb.api.rest import people_api  # noqa: PLC0415 - gateways and controllers need no FastAPI: 15 MB

    api = people_api(services, inbox, _HANDLERS)
    return [Route("/api/{path:path}", guard(_timed(api, metrics), Callers.TOKEN))]


def _own_routes(services: Services, metrics: Metrics, guard: Guard) -> list[Route]:
    health = Health(services, metrics)
    table: list[tuple[str, Callable[[Request], Any], Callers]] = [
        ("/healthz", health.healthz, Callers.ANYBODY),
        ("/readyz", health.readyz, Callers.ANYBODY),
        ("/metrics", health.metrics, Callers.TOKEN),
        ("/", health.page, Callers.ANYBODY),
    ]
    return [
        Route(path, guard(request_response(endpoint), callers), methods=["GET"]) for path, endpoint, callers in table
    ]


def _timed(app: ASGIApp, metrics: Metrics) -> ASGIApp:
    took = metrics.timer("/api")

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        begun = time.perf_counter()
        await app(scope, receive, send)
        if not scope["path"].endswith(("/logs", "/next")):  # who calls these wants to wait
            took(time.perf_counter() - begun)

    return run
