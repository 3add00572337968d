"""Who may call: each route says it, or the app refuses to start.

| callers  | who                       | how they prove it                      | Host        | a browser's page       |
|----------|---------------------------|----------------------------------------|-------------|------------------------|
| SENDERS  | webhooks, from anywhere   | to their gateway: signature or secret  | any         | never                  |
| ANYBODY  | probes, people            | not at all; nothing there is secret    | ours only   | of any site            |
| TOKEN    | the API's users           | `Authorization: Bearer`                | ours only   | of this server only    |
| WORKER   | workers in pods           | likewise, by a token of their build    | any         | never                  |

A WORKER's claim is put into the scope, as `brignb.claim`; its routes ask it which build it may speak of.

`Host` defends against DNS rebinding: a name that an attacker owns and that suddenly means this machine. Gateways may be reached by any
name (a tunnel's, a proxy's), but never by the page of a browser, which says so itself by `Origin` or `Sec-Fetch-Site`.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Mapping
from enum import Enum, auto
from typing import Final

from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from brignb.api.answers import Rejected, failure
from brignb.errors import BrignbError, Refused
from brignb.model.tokens import Claim

_TOKEN_HINT: Final = "send `Authorization: Bearer TOKEN`; the token is in the file `token` in the server's home"  # noqa: S105
CLAIM: Final = "brignb.claim"
"""Where a WORKER's claim is in the ASGI scope."""
_OWN_PAGES: Final = frozenset({b"same-origin", b"none"})

_SECURITY: Final = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]
CSP: Final = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; sandbox")
"""For answers that set none of their own: whatever a browser takes them for, nothing in them runs."""


class Callers(Enum):
    """See the module."""

    SENDERS = auto()
    ANYBODY = auto()
    TOKEN = auto()
    WORKER = auto()


class Guarded:
    """An ASGI app behind its guard.

    Args:
        token: What TOKEN callers show.
        hosts: Names of this server; `*` is any.
        claim: What a WORKER's token claims; None: it is none of ours.
    """

    def __init__(
        self,
        app: ASGIApp,
        callers: Callers,
        *,
        token: str,
        hosts: Iterable[str],
        claim: Callable[[str], Claim | None] = lambda _token: None,
    ) -> None:
        self.callers = callers
        self._claim = claim
        self._app = app
        self._credentials = f"bearer {token}".encode()
        self._hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on."""
        headers = dict(scope["headers"])
        match self.callers:
            case Callers.SENDERS:
                refused = _from_browser(headers)
            case Callers.WORKER:
                refused = _from_browser(headers) or self._unclaimed(scope, headers)
            case _:
                refused = self._refusal(headers)
        await (failure(refused) if refused else self._app)(scope, receive, send)

    def _refusal(self, headers: Mapping[bytes, bytes]) -> BrignbError | None:
        host = headers.get(b"host", b"")
        if "*" not in self._hosts and host_name(host) not in self._hosts:
            return _misdirected(host)
        if self.callers is Callers.ANYBODY:
            return None
        if _foreign_page(headers, host):
            return Rejected(403, "browser", "a page of another site may not ask this", where="Origin")
        if not self._shown(headers.get(b"authorization", b"")):
            return Refused("the API wants its token", where="Authorization", hint=_TOKEN_HINT)
        return None

    def _unclaimed(self, scope: Scope, headers: Mapping[bytes, bytes]) -> BrignbError | None:
        scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        claim = self._claim(token.strip()) if scheme.lower() == "bearer" else None
        if claim is None:
            return Refused("this route is for workers", where="Authorization", hint="a worker is given its token")
        scope[CLAIM] = claim
        return None

    def _shown(self, authorization: bytes) -> bool:
        scheme, _, token = authorization.partition(b" ")
        return hmac.compare_digest(scheme.lower() + b" " + token.strip(), self._credentials)


def host_name(host: bytes) -> str:
    """The name in a Host header, without its port; IPv6 addresses without brackets."""
    text = host.decode("latin-1").lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0]


def require_guarded(routes: Iterable[BaseRoute]) -> None:
    """Refuse to start with a route that does not say who may call it.

    Raises:
        RuntimeError: There is one; its author has to wrap it in `Guarded`.
    """
    open_ones = [route for route in routes if not isinstance(getattr(route, "app", None), Guarded)]
    if open_ones:
        raise RuntimeError(f"these routes do not say who may call them: {open_ones}")


def secured(app: ASGIApp) -> ASGIApp:
    """The same app, whose every answer tells browsers to be careful with it."""

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        async def careful(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"]
                own_policy = any(name == CSP[0] for name, _value in headers)
                message["headers"] = [*headers, *_SECURITY] if own_policy else [*headers, *_SECURITY, CSP]
            await send(message)

        await app(scope, receive, careful if scope["type"] == "http" else send)

    return run


def _from_browser(headers: Mapping[bytes, bytes]) -> BrignbError | None:
    if b"origin" in headers or b"sec-fetch-site" in headers:
        return Rejected(403, "browser", "webhooks are not sent by browsers", where="Origin")
    return None


def _foreign_page(headers: Mapping[bytes, bytes], host: bytes) -> bool:
    """Whether a browser says that another site's page is asking. Programs say neither."""
    site, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
    if site is not None and site not in _OWN_PAGES:
        return True
    return origin is not None and origin.partition(b"://")[2] != host


def _misdirected(host: bytes) -> Rejected:
    return Rejected(
        421,
        "misdirected",
        f"this server is not called {host.decode('latin-1')!r:.120}",
        where="Host",
        hint="use the address that `brignb serve` prints, or name this one by `brignb serve --allow-host`",
    )
