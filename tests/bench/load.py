"""A bounded load of prepared HTTP requests: 64 keep-alive connections, one thread, no parsing but the status."""

from __future__ import annotations

import hashlib
import hmac
import json
import selectors
import socket
import statistics
import time
import uuid
from dataclasses import dataclass


@dataclass(frozen=True)
class Report:
    """What a load saw."""

    requests: int
    seconds: float
    statuses: dict[int, int]
    p50_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def signed(address: str, number: int) -> bytes:
    """One signed 10 KB push, its body and its delivery id its own."""
    body = json.dumps({"repository": {"full_name": "bench/bench"}, "n": number, "fill": "x" * 10_000}).encode()
    signature = hmac.new(b"bench-secret", body, hashlib.sha256).hexdigest()
    head = (
        f"POST /events/github HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n"
        f"x-github-event: push\r\nx-github-delivery: {uuid.uuid4()}\r\nx-hub-signature-256: sha256={signature}\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def pushed(address: str, number: int) -> bytes:
    """A registry's unsigned webhook of 10 KB, known by its body's digest."""
    target = {"repository": "flask", "tag": f"v{number}", "digest": f"sha256:{number:064}", "mediaType": "x"}
    body = json.dumps({"id": f"{number}", "action": "push", "target": target, "fill": "x" * 10_000}).encode()
    head = (
        f"POST /events/webhook/bench/bench?commit=master HTTP/1.1\r\nhost: {address}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def drive(address: tuple[str, int], requests: list[bytes], *, connections: int = 64) -> Report:
    """Send each request once, at most one at a time on a connection."""
    selector = selectors.DefaultSelector()
    waiting = iter(requests)
    sent_at: dict[socket.socket, float] = {}
    buffers: dict[socket.socket, bytearray] = {}
    latencies: list[float] = []
    statuses: dict[int, int] = {}

    def send(sock: socket.socket) -> bool:
        request = next(waiting, None)
        if request is None:
            return False
        sock.setblocking(True)
        sent_at[sock] = time.perf_counter()
        sock.sendall(request)
        sock.setblocking(False)
        return True

    begun = time.perf_counter()
    for _ in range(connections):
        sock = socket.create_connection(address)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        buffers[sock] = bytearray()
        if send(sock):
            selector.register(sock, selectors.EVENT_READ)
    while selector.get_map():
        for key, _events in selector.select():
            sock = key.fileobj
            buffer = buffers[sock]
            data = sock.recv(65536)
            if not data:
                raise ConnectionError("the server hung up")
            buffer += data
            head, separator, body = bytes(buffer).partition(b"\r\n\r\n")
            if not separator or len(body) < _length(head):
                continue
            buffer.clear()
            latencies.append(time.perf_counter() - sent_at[sock])
            status = int(head[9:12])
            statuses[status] = statuses.get(status, 0) + 1
            if not send(sock):
                selector.unregister(sock)
                sock.close()
    seconds = time.perf_counter() - begun
    cuts = statistics.quantiles(latencies, n=100)
    return Report(len(latencies), seconds, statuses, cuts[49] * 1000, cuts[98] * 1000)


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return int(line[15:])
    return 0
