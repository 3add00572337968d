"""A container's own streams, through the API server: what goes in, and what comes out before the kubelet has a log to give.

The kubelet gives logs of a container that it has looked at again, up to a second after its start. Its streams are there at once.

Protocol: Kubernetes' `v5.channel.k8s.io` and `v4`: each message's first byte is its channel.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Final

from brignb.cluster.connection import ApiError, Connection
from brignb.cluster.paths import path
from brignb.cluster.watching import backoff
from brignb.errors import Unreachable

if TYPE_CHECKING:
    from aiohttp import ClientWebSocketResponse

PROTOCOLS: Final = ("v5.channel.k8s.io", "v4.channel.k8s.io")
TRIES: Final = 6
_STDIN, _STDOUT, _STDERR, _ERROR = range(4)
_CLOSE: Final = 255
_NEVER: Final = frozenset({401, 403, 404})


class Attached:
    """A container's streams.

    Args:
        socket: To the API server.
    """

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket

    async def write(self, data: bytes) -> None:
        """To its stdin.

        Raises:
            Unreachable: It was cut.
        """
        try:
            await self._socket.send_bytes(bytes([_STDIN]) + data)
        except (OSError, RuntimeError) as error:
            raise Unreachable(f"its stdin was cut: {error}") from error

    async def end_input(self) -> None:
        """Close its stdin; in the older protocol that is the end of the connection."""
        if self._socket.protocol == PROTOCOLS[0]:
            await self._socket.send_bytes(bytes([_CLOSE, _STDIN]))
        else:
            await self._socket.close()

    async def output(self) -> AsyncIterator[bytes]:
        """Of its stdout and stderr, until it ends or the connection does.

        Raises:
            ApiError: The container could not be attached to.
        """
        from aiohttp import WSMsgType  # noqa: PLC0415 - an extra

        async for message in self._socket:
            if message.type is not WSMsgType.BINARY or len(message.data) < 2:  # noqa: PLR2004 - each channel begins with an empty message
                continue
            channel, data = message.data[0], message.data[1:]
            if channel in {_STDOUT, _STDERR}:
                yield data
            elif channel == _ERROR:
                status = json.loads(data)
                if status.get("status") == "Failure" and status.get("reason") != "NonZeroExitCode":
                    raise ApiError(
                        int(status.get("code") or 500), str(status.get("reason")), str(status.get("message"))
                    )

    async def close(self) -> None:
        """Detach."""
        await self._socket.close()


async def attach(connection: Connection, namespace: str, pod: str, container: str, *, output: bool) -> Attached:
    """Attach to a container that has just started; tries again for some seconds, since its node may not have it yet.

    Raises:
        ApiError: It cannot be attached to.
        Unreachable: The cluster is away.
    """
    params = [("container", container), ("stdin", "true"), ("stdout", str(output).lower()), ("stderr", "false")]
    for failures in range(TRIES):
        try:
            return Attached(await connection.socket(path(namespace, "pods", pod, "attach"), params, PROTOCOLS))
        except ApiError as error:
            if error.status in _NEVER or failures == TRIES - 1:
                raise
        except Unreachable:
            if failures == TRIES - 1:
                raise
        await asyncio.sleep(backoff(failures))
    raise AssertionError("unreachable")  # the last try returns or raises


async def send(attached: Attached, chunks: Iterator[bytes]) -> None:
    """Chunks, made in a thread, to a container's stdin, and its end.

    Raises:
        Unreachable: It was cut.
        OSError: A chunk could not be made.
    """
    while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
        await attached.write(chunk)
    await attached.end_input()
