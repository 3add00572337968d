"""Routes of the contract that say what is not to be had in this server."""

from __future__ import annotations

from starlette.types import Receive, Scope, Send

from brignb.api.answers import failure
from brignb.errors import NotFound


async def registries(scope: Scope, receive: Receive, send: Send) -> None:
    """Registry webhooks, on a server that does not take them."""
    hint = "start it with `brignb serve --cr` (Helm chart: cr.enabled=true)"
    error = NotFound("this server takes no webhooks of container registries", where="/events/webhook", hint=hint)
    await failure(error)(scope, receive, send)
