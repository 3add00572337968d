"""Routes of the contract that say what is not to be had: not yet, or not in this server."""

from __future__ import annotations

from starlette.types import Receive, Scope, Send

from brignb.api.answers import Rejected, failure
from brignb.errors import NotFound


async def cloudevents(scope: Scope, receive: Receive, send: Send) -> None:
    """CloudEvents come later."""
    hint = "send the event's JSON to /simpleevents/v1/{project}/{secret}; its type is then `simpleevent`"
    error = Rejected(501, "not_yet", "CloudEvents are not taken yet", where="/cloudevents/v1", hint=hint)
    await failure(error)(scope, receive, send)


async def registries(scope: Scope, receive: Receive, send: Send) -> None:
    """Registry webhooks, on a server that does not take them."""
    hint = "start it with `brignb serve --cr` (Helm chart: cr.enabled=true)"
    error = NotFound("this server takes no webhooks of container registries", where="/events/webhook", hint=hint)
    await failure(error)(scope, receive, send)
