"""What strangers can do on a connection before there is a request to judge."""

import asyncio
import json

import pytest

from brignb.api import protocol

OK = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def talk(site, *pieces: bytes) -> bytes:
    """Everything that is answered until the server hangs up."""
    reader, writer = await asyncio.open_connection(*site.address)
    for piece in pieces:
        writer.write(piece)
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def error_of(answer: bytes) -> tuple[int, dict[str, str]]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["error"]


@pytest.mark.parametrize(
    "garbage",
    [
        b"GARBAGE\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"POST /events/gith\xc3\xbcb HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_refused_in_the_contracts_shape(site, garbage):
    status, error = error_of(await talk(site, garbage))
    assert (status, set(error)) == (400, {"code", "message", "where", "hint"})


@pytest.mark.parametrize(
    "endless", [b"GET /" + b"a" * 70_000, OK[:-2] + b"X: " + b"a" * 70_000, OK[:-2] + b"X: y\r\n" * 12_000]
)
async def test_a_head_that_does_not_end_is_cut_off(site, endless):
    assert error_of(await talk(site, endless))[0] == 431


async def test_a_head_that_comes_slowly_is_given_up(site, monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.05)
    for dribble in (b"", b"GET /heal", OK[:-2]):
        assert error_of(await talk(site, dribble))[0] == 408


async def test_the_next_request_of_a_connection_has_its_own_bounds(site, monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.05)
    answer = await talk(site, OK, b"GET /heal")
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"HTTP/1.1 408" in answer


async def test_a_large_body_is_no_large_head(site):
    body = b"x" * 200_000
    head = b"POST /simpleevents/v1/a/b HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(
        body
    )
    assert error_of(await talk(site, head + body))[0] == 401
