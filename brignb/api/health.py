"""`/healthz`, `/readyz`, `/metrics`, and the page at `/`."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from brignb.api.answers import JSON
from brignb.api.metrics import MEDIA_TYPE, Metrics
from brignb.api.services import Services
from brignb.errors import Unavailable

_PAGE: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>brignb</title>
<style>body{font:16px/1.6 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem;color:#1c2733}
code{background:#eef2f5;padding:.1em .3em;border-radius:3px}</style>
<h1>brignb VERSION</h1>
<p>This server takes events and runs notebooks for them. A dashboard comes later, at this address; until then:</p>
<ul>
<li><code>brignb build list</code> shows what ran, <code>brignb build logs -f ID</code> follows it,
<code>brignb build record ID --output record.ipynb</code> fetches the executed notebook.</li>
<li>Webhooks go to <code>/events/github</code>, <code>/events/webhook/OWNER/REPO</code> and
<code>/simpleevents/v1/PROJECT/SECRET</code>, CloudEvents to <code>/cloudevents/v1/PROJECT/SECRET</code>.</li>
<li>The API is described at <code>/api/openapi.json</code>; it wants <code>Authorization: Bearer TOKEN</code>, the token
from the file <code>token</code> in the server's home.</li>
<li><a href="/healthz">/healthz</a> and <a href="/readyz">/readyz</a> are open to all.</li>
</ul></html>
"""
_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


class Health:
    """See the module."""

    def __init__(self, services: Services, metrics: Metrics) -> None:
        self._services = services
        self._metrics = metrics

    async def page(self, _request: Request) -> Response:
        """What people find at `/`."""
        return HTMLResponse(
            _PAGE.replace("VERSION", self._services.version), headers={"content-security-policy": _POLICY}
        )

    async def healthz(self, _request: Request) -> Response:
        """The process lives."""
        return JSON({"status": "ok", "version": self._services.version})

    async def readyz(self, _request: Request) -> Response:
        """It can store events, and goes on to; 503 when it cannot."""
        if self._services.ending():
            raise Unavailable("this server is ending")
        await self._services.store.check()
        return JSON({"status": "ok"})

    async def metrics(self, _request: Request) -> Response:
        """For Prometheus."""
        text = self._metrics.shown(await self._services.store.counts(), self._services.zygotes())
        return Response(text, media_type=MEDIA_TYPE)
