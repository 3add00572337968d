"""Senders that ask by OPTIONS whether they may send (CloudEvents, "HTTP 1.1 Web Hooks", 4: abuse protection).

The answer is 200 for everybody: what grants are its headers, and a stranger gets none.
"""

from __future__ import annotations

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from brignb.api.services import Services
from brignb.model.gateway import Greets, Inbound, Refuse


class Greeting:
    """The OPTIONS of one gateway, as an ASGI app."""

    def __init__(self, gateway: Greets, services: Services) -> None:
        self._gateway = gateway
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Look the project up, ask the gateway."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        inbound = Inbound(path=scope["path_params"], headers=headers, query={}, body=b"", at=self._services.now_ms())
        name = self._gateway.project(inbound)
        project = None if isinstance(name, Refuse) else await self._services.store.project(name)
        await Response(headers={"Allow": "POST", **self._gateway.greet(inbound, project)})(scope, receive, send)
