"""The way to a cluster: an API server's address, who asks, and requests in plain JSON.

    kubeconfig ──▶ Connection ──▶ ask, open, socket

Enters: method, path, parameters. Leaves: decoded JSON, or an open response to be read as it comes. Credentials are read again when
the cluster does not take them any more (a rotated token, a plugin's new one).

What must never happen: a wait without an end; credentials in a message.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from brignb.cluster.kubeconfig import Place, load
from brignb.errors import BadInput, BrignbError, Refused, Unreachable

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession, ClientTimeout, ClientWebSocketResponse
    from kubernetes.aio.client import Configuration

ACCEPT: Final = "application/json"
METADATA: Final = ",".join(
    f"{ACCEPT};as={kind};g=meta.k8s.io;v=v1" for kind in ("PartialObjectMetadataList", "PartialObjectMetadata")
)
ANSWER_WITHIN: Final = 20.0
"""Seconds for a request that is not a stream."""
SILENCE: Final = 25
"""Seconds after which a dead peer is noticed by the kernel (keepalive; unacknowledged data)."""
ADDRESS_KEPT: Final = 300
"""Seconds that the server's address is remembered: at this process's end, when pods are deleted, no name can be looked up any more."""
_OK: Final = range(200, 300)
_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403


class ApiError(BrignbError):
    """The API server's answer to a request that it did not grant.

    Args:
        status: HTTP's.
        reason: Kubernetes' word (`AlreadyExists`, `NotFound`, `Forbidden`, `Invalid`, `Expired`, …).
        message: Its sentence.
    """

    code = "kubernetes"

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


class Connection:
    """See the module; made by `connect`, used on one event loop.

    Args:
        session: Makes the requests.
        configuration: The `kubernetes` client's: address and credentials, which it keeps fresh.
        place: What it leads to.
        context: Of the kubeconfig, as it was asked for.
    """

    def __init__(self, session: ClientSession, configuration: Configuration, place: Place, context: str | None) -> None:
        self._session = session
        self._configuration = configuration
        self.place = place
        self._context = context
        self._renewing: asyncio.Task[Place] | None = None
        self._transports: weakref.WeakSet[asyncio.BaseTransport] = weakref.WeakSet()

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        kind: str = "application/json",
        timeout: float = ANSWER_WITHIN,  # noqa: ASYNC109 - it is the request's, not the caller's
        metadata: bool = False,
        **params: object,
    ) -> dict[str, Any]:
        """A request and its answer.

        Args:
            method: HTTP's.
            path: See `paths`.
            body: JSON.
            kind: The body's.
            timeout: Seconds.
            metadata: Whether the objects' metadata are enough, of one or of a list.
            params: The query.

        Raises:
            ApiError: It was not granted.
            Refused: The cluster does not take the credentials.
            Unreachable: There is no answer.
        """
        from aiohttp import ClientError, ClientTimeout  # noqa: PLC0415 - an extra

        within, accept = ClientTimeout(total=timeout), METADATA if metadata else ACCEPT
        answer = await self.open(method, path, body, kind=kind, within=within, accept=accept, **params)
        try:
            found = await answer.json()
        except (ClientError, OSError, TimeoutError, ValueError) as error:
            raise self._unreachable(error) from error
        return dict(found)

    async def open(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        kind: str = "application/json",
        within: ClientTimeout | None = None,
        accept: str = ACCEPT,
        **params: object,
    ) -> ClientResponse:
        """A request and its answer, still to be read; errors as in `ask`."""
        headers = {"Accept": accept, **({"Content-Type": kind} if body is not None else {})}
        answer = await self._send(method, path, body, headers, within, params)
        if answer.status == _UNAUTHORIZED:
            answer.close()
            await self.renew()
            answer = await self._send(method, path, body, headers, within, params)
        if answer.status not in _OK:
            raise await self._problem(answer)
        self._remember(answer)
        return answer

    async def socket(
        self, path: str, params: list[tuple[str, str]], protocols: tuple[str, ...]
    ) -> ClientWebSocketResponse:
        """A websocket; errors as in `ask`."""
        from aiohttp import ClientError, WSServerHandshakeError  # noqa: PLC0415 - an extra

        try:
            made = await self._session.ws_connect(
                self._url(path),
                params=params,
                headers=await self._headers(),
                protocols=protocols,
                max_msg_size=0,
                proxy=self._configuration.proxy or None,
            )
        except WSServerHandshakeError as error:
            raise ApiError(error.status, "", error.message) from error
        except (ClientError, OSError, TimeoutError) as error:
            raise self._unreachable(error) from error
        self._remember(made._response)  # noqa: SLF001 - there is no other way to its transport
        return made

    async def renew(self) -> None:
        """Read the credentials again; those who ask at the same time share one reading."""
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(load(self._configuration, self._context), name="credentials")
        await asyncio.shield(self._renewing)

    async def close(self) -> None:
        """Let go of all connections, at once: TLS would say goodbye for as long as the other side takes."""
        await self._session.close()
        for transport in self._transports:
            with contextlib.suppress(AttributeError):  # before Python 3.11.4, of one that was closed twice
                cast("asyncio.WriteTransport", transport).abort()
        await asyncio.sleep(0)  # lets them go

    async def _send(
        self,
        method: str,
        path: str,
        body: Any,
        headers: Mapping[str, str],
        within: ClientTimeout | None,
        params: Mapping[str, object],
    ) -> ClientResponse:
        from aiohttp import ClientError, ClientTimeout  # noqa: PLC0415 - an extra

        try:
            return await self._session.request(
                method,
                self._url(path),
                params={name: str(value) for name, value in params.items()},
                json=body,
                headers={**await self._headers(), **headers},
                timeout=within or ClientTimeout(total=None, sock_connect=ANSWER_WITHIN),
                proxy=self._configuration.proxy or None,
            )
        except (ClientError, OSError, TimeoutError) as error:
            raise self._unreachable(error) from error

    def _remember(self, answer: ClientResponse) -> None:
        """A stream's transport: when it is cut off in its middle, nobody else knows it any more."""
        if answer.connection and answer.connection.transport:
            with contextlib.suppress(TypeError):  # uvloop's cannot be referred to weakly; they end by themselves
                self._transports.add(answer.connection.transport)

    async def _headers(self) -> dict[str, str]:
        token = (await self._configuration.auth_settings()).get("BearerToken")
        return {"Authorization": str(token["value"])} if token else {}

    def _url(self, path: str) -> str:
        return f"{self._configuration.host}{path}"

    async def _problem(self, answer: ClientResponse) -> BrignbError:
        try:
            said = await answer.json(content_type=None)
        except ValueError:
            said = {}
        said = said if isinstance(said, dict) else {}
        message = str(said.get("message") or answer.reason or f"HTTP {answer.status}")
        if answer.status == _UNAUTHORIZED:
            return Refused(
                "the cluster does not take these credentials",
                where=self._name(),
                hint="they are wrong or have expired: log in again, as for kubectl",
            )
        return ApiError(answer.status, str(said.get("reason") or ""), message)

    def _unreachable(self, error: BaseException) -> Unreachable:
        words = str(error) or type(error).__name__
        return Unreachable(
            f"the cluster at {self.place.server} cannot be reached: {words}",
            where=self._name(),
            hint="kubectl cluster-info --context shows whether it is this cluster and whether it is up",
        )

    def _name(self) -> str:
        return f"context {self.place.context}" if self.place.context else "this pod's account"


async def connect(context: str | None = None) -> Connection:
    """The way to the cluster that kubectl would talk to.

    Args:
        context: Of the kubeconfig; None: its current one, and where there is no kubeconfig the pod's own account.

    Raises:
        Unreachable: There is neither, or no such context.
        BadInput: brignb[kubernetes] is not installed.
    """
    try:
        from aiohttp import ClientSession  # noqa: PLC0415 - an extra
        from kubernetes.aio.client import Configuration  # noqa: PLC0415 - the same
    except ImportError as error:  # pragma: no cover - the tests' environment has it
        raise BadInput("the kubernetes executor needs its client", hint="pip install 'brignb[kubernetes]'") from error
    configuration = Configuration()
    place = await load(configuration, context)
    session = ClientSession(connector=_connector(configuration), trust_env=True, read_bufsize=1 << 20)
    return Connection(session, configuration, place, context)


def _connector(configuration: Configuration) -> Any:
    """TCP connections, as many as there are streams, whose dead peers are noticed."""
    from aiohttp import TCPConnector  # noqa: PLC0415 - an extra
    from kubernetes.aio.client.rest import RESTClientObject  # noqa: PLC0415 - an extra

    context = RESTClientObject(configuration).ssl_context
    return TCPConnector(limit=0, ssl=context, socket_factory=_socket, ttl_dns_cache=ADDRESS_KEPT)


def _socket(address: tuple[Any, ...]) -> socket.socket:
    family, kind, protocol, *_ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", SILENCE // 2),
        ("TCP_KEEPINTVL", 4),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", SILENCE * 1000),
    ):
        if hasattr(socket, name):
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return made
