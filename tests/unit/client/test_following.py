"""Logs across cut connections: no line lost, none twice, and a silence never taken for an end."""

import asyncio
import contextlib
import json

import httpx
import pytest

from brignb.client import Client, End
from brignb.client.following import ATTEMPTS, follow
from brignb.errors import NotFound, Unreachable


def event(number: int) -> list[str]:
    data = {
        "at": "2026-01-01T00:00:00.000Z",
        "job": "worker",
        "job_id": None,
        "stream": "stdout",
        "text": f"line {number}",
    }
    return [f"id: {number}", f"data: {json.dumps(data)}", ""]


END = ["event: end", 'data: {"state": "succeeded", "reason": null, "message": null}', ""]


class Cut:
    """A server whose connections are cut after so many lines of the stream."""

    def __init__(self, lines: int, *cuts: int) -> None:
        self.lines = lines
        self.cuts = list(cuts)
        self.connections = 0

    @contextlib.contextmanager
    def __call__(self, cursor: str):
        begin = int(cursor) + 1 if cursor else 0
        sent = [line for number in range(begin, self.lines) for line in event(number)] + END
        self.connections += 1
        yield self._stream(sent, self.cuts.pop(0) if self.cuts else None)

    def _stream(self, sent, cut):
        yield ": alive"
        yield ""
        yield from sent[:cut]
        if cut is not None:
            raise httpx.ReadError("cut")


@pytest.mark.parametrize("cut", range(13))
def test_a_connection_cut_anywhere_loses_and_repeats_nothing(cut):
    retries = []
    server = Cut(4, cut)
    told = list(follow(server, server="http://x", on_retry=retries.append, pause=lambda _seconds: None))
    assert [each.line.text for each in told[:-1]] == [f"line {number}" for number in range(4)]
    assert told[-1] == End("succeeded")
    assert (server.connections, len(retries)) == (2, 1)


def test_a_stream_that_ends_without_an_end_is_taken_up_again():
    class Short(Cut):
        def _stream(self, sent, cut):
            yield from sent[:cut]

    told = list(follow(Short(2, 3), server="http://x", on_retry=lambda _why: None, pause=lambda _seconds: None))
    assert len(told) == 3


def test_it_gives_up_after_failures_in_a_row_but_not_before():
    pauses = []
    server = Cut(2, *[0] * (ATTEMPTS - 1))
    assert list(follow(server, server="http://x", on_retry=lambda _why: None, pause=pauses.append))[-1] == End(
        "succeeded"
    )
    assert pauses == sorted(pauses)
    server = Cut(2, *[0] * ATTEMPTS)
    with pytest.raises(Unreachable):
        list(follow(server, server="http://x", on_retry=lambda _why: None, pause=lambda _seconds: None))


def test_nobody_there_is_told_at_once():
    def refuse(_cursor):
        raise httpx.ConnectError("refused")

    with pytest.raises(Unreachable):
        next(follow(refuse, server="http://x", on_retry=pytest.fail, pause=pytest.fail))


@pytest.mark.slow
async def test_a_real_stream_that_is_cut_is_taken_up_again(site):
    """Through a proxy that cuts the connection in the middle of the log."""
    await site.create()
    build = await site.running()
    for number in range(50):
        site.write(build, f"line {number}")
    cuts = [700, 1500, 2500]
    async with _cutting(site.address, cuts) as url:
        seen = asyncio.create_task(asyncio.to_thread(_texts, url, site.services.token, build))
        while cuts:  # noqa: ASYNC110 - the proxy has no event for it
            await asyncio.sleep(0.01)
        await site.end(build)
        texts, end, retries = await seen
    assert texts == [f"line {number}" for number in range(50)]
    assert end == End("succeeded")
    assert retries == 3


async def test_a_build_that_is_not_there_is_not_found(site):
    with Client(site.url, site.services.token) as client, pytest.raises(NotFound):
        await asyncio.to_thread(next, client.logs("01JAAAAAAAAAAAAAAAAAAAAAAA"))


def _texts(url, token, build):
    retries = []
    with Client(url, token) as client:
        *lines, end = client.logs(build, following=True, on_retry=retries.append)
    return [told.line.text for told in lines], end, len(retries)


@contextlib.asynccontextmanager
async def _cutting(address, cuts):
    """A proxy that cuts its first connections after so many bytes of answer."""

    async def serve(reader, writer):
        upstream_reader, upstream = await asyncio.open_connection(*address)
        limit = cuts.pop(0) if cuts else None
        upstream.write(await reader.read(65536))
        sent = 0
        with contextlib.suppress(ConnectionError):
            while data := await upstream_reader.read(256):
                writer.write(data)
                await writer.drain()
                sent += len(data)
                if limit is not None and sent >= limit:
                    break
        for each in (writer, upstream):
            each.close()
            with contextlib.suppress(ConnectionError):
                await each.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
