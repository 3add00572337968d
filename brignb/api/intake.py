"""Webhooks: a request is read within its route's limit, judged by its gateway, stored, and only then answered.

    HTTP ──▶ Inbound ──▶ gateway.project ──▶ store.project ──▶ gateway.judge ──▶ inbox ──▶ 202

Plain Starlette, since this is the hot path: no models, no dependency injection, one pass over the headers. What must never happen: a
2xx before the commit; a large body parsed on the event loop; a sender that is told where our database is.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final, TypeVar
from urllib.parse import parse_qsl

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from brignb.api.answers import JSON, Rejected, failure
from brignb.api.bodies import Gone, read_body
from brignb.api.inbox import Inbox, status_of, told
from brignb.api.metrics import Metrics
from brignb.api.services import Services
from brignb.errors import BrignbError, NotFound, Unavailable
from brignb.model.gateway import Gateway, Ignore, Inbound, Refuse, Route, Take

log = logging.getLogger(__name__)

LARGE: Final = 1024 * 1024
"""Bytes above which a body is parsed in a thread."""

T = TypeVar("T")


class Intake:
    """One route of one gateway, as an ASGI app."""

    def __init__(self, gateway: Gateway, route: Route, services: Services, inbox: Inbox, metrics: Metrics) -> None:
        self._gateway = gateway
        self._route = route
        self._services = services
        self._inbox = inbox
        self._metrics = metrics
        self._took = metrics.timer(route.path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read, judge, store, answer."""
        begun = time.perf_counter()
        try:
            answer = await self._answer(await self._inbound(scope, receive))
        except Gone:
            return
        except Unavailable as error:
            log.error("%s: %s", self._route.path, error)  # noqa: TRY400 - an error for people, not a traceback
            answer = self._refused(failure(Unavailable("it cannot be stored now", hint="send it again later")))
        except BrignbError as error:
            answer = self._refused(failure(error))
        self._took(time.perf_counter() - begun)
        await answer(scope, receive, send)

    async def _inbound(self, scope: Scope, receive: Receive) -> Inbound:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        route = self._route
        if route.media_types:
            media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
            if media_type not in route.media_types:
                shown = f"{media_type!r:.80} is not read here" if media_type else "the body's type is not said"
                raise Rejected(415, "media_type", shown, where="Content-Type", hint=route.media_hint)
        query = scope["query_string"].decode("latin-1")
        return Inbound(
            path=scope["path_params"],
            headers=headers,
            query=dict(parse_qsl(query, keep_blank_values=True)) if query else {},
            body=await read_body(headers, receive, route.limit),
            at=self._services.now_ms(),
        )

    async def _answer(self, inbound: Inbound) -> Response:
        gateway = self._gateway
        name = await _judged(inbound, lambda: gateway.project(inbound))
        if isinstance(name, Refuse):
            return self._refused(failure(name.error, name.status))
        project = await self._services.store.project(name)
        verdict = await _judged(inbound, lambda: gateway.judge(inbound, project))
        if isinstance(verdict, Take) and project is not None:
            try:
                return await self._taken(project.name, verdict)
            except NotFound:  # deleted since: the same answer as if it had never been
                verdict = await _judged(inbound, lambda: gateway.judge(inbound, None))
        if isinstance(verdict, Ignore):
            self._metrics.event(gateway.name, "ignored")
            return JSON({"status": "ignored", "reason": verdict.reason})
        assert isinstance(verdict, Refuse)  # noqa: S101 - a gateway takes nothing for no project
        return self._refused(failure(verdict.error, verdict.status))

    async def _taken(self, project: str, take: Take) -> Response:
        accepted = await self._inbox.accept(project, take.drafts)
        answers = [told(each) for each in accepted]
        return JSON({"events": answers} if take.envelope else answers[0], status_of(accepted))

    def _refused(self, answer: Response) -> Response:
        self._metrics.event(self._gateway.name, "refused")
        return answer


async def _judged(inbound: Inbound, judge: Callable[[], T]) -> T:
    """What a gateway says, on the event loop only where the body is small."""
    return await asyncio.to_thread(judge) if len(inbound.body) > LARGE else judge()
