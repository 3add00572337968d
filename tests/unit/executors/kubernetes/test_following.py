"""The log follower against a kubelet's words, cut anywhere. The real one is in tests/cluster."""

from __future__ import annotations

import asyncio
import random

import pytest

from brignb.cluster.connection import ApiError
from brignb.executors.kubernetes.following import Follower
from brignb.model.logs import LINE_MAX


def line(number: int, text: str) -> bytes:
    return f"2026-01-31T12:{number // 60_000:02}:{number // 1000 % 60:02}.{number % 1000:03}000001Z {text}\n".encode()


class Answer:
    def __init__(self, chunks):
        self._chunks = chunks
        self.content = self

    async def iter_any(self):
        for chunk in self._chunks:
            await asyncio.sleep(0)
            yield chunk

    def close(self):
        pass


class Kubelet:
    """Serves a log from the asked second on; each request but the last is cut somewhere."""

    def __init__(self, lines, cuts, seed=1):
        self.lines, self.cuts = lines, cuts
        self.random = random.Random(seed)
        self.asked = []

    async def open(self, method, path, **params):
        self.asked.append(params)
        since = params.get("sinceTime", "")[:19].encode()
        raw = b"".join(each for each in self.lines if each[:19] >= since)
        if len(self.asked) <= self.cuts:
            raw = raw[: self.random.randrange(len(raw))]
        size = self.random.randrange(50, 5000)
        return Answer([raw[at : at + size] for at in range(0, len(raw), size)])

    @property
    def over(self):
        return len(self.asked) > self.cuts


async def read(kubelet, gaps=()):
    follower = Follower(kubelet, "/log", "main", ended=lambda: kubelet.over, gap=[*gaps].append)
    return b"".join([content async for batch in follower.batches() for _, content in batch])


@pytest.mark.parametrize("seed", range(3))
async def test_a_cut_log_is_told_whole_and_once(seed, monkeypatch):
    """Cut within lines, within times, within the same second; times out of order, and equal ones."""
    monkeypatch.setattr("brignb.executors.kubernetes.following.backoff", lambda _: 0.0)
    lines = [line(at // 3 + (at % 7 == 0), f"line {at}") for at in range(12_000)]
    told = await read(Kubelet(lines, cuts=10, seed=seed))
    assert told.decode().split("\n")[:-1] == [f"line {at}" for at in range(12_000)]


async def test_a_long_line_is_told_in_parts_and_goes_on_after_a_cut(monkeypatch):
    """A gigabyte without a newline must not fill the memory; what was told of it is not told again."""
    monkeypatch.setattr("brignb.executors.kubernetes.following.backoff", lambda _: 0.0)
    long = "".join(chr(97 + at % 26) for at in range(3 * LINE_MAX))
    told = await read(Kubelet([line(1, "a"), line(2, long), line(3, "b")], cuts=4, seed=3))
    assert told.decode() == f"a\n{long}\nb\n"


async def test_times_are_milliseconds_since_1970():
    """Whatever zone the node is in."""
    zone = b"2026-01-31T13:00:00.250000001+01:00 x\n"
    follower = Follower(Kubelet([zone], cuts=0), "/log", "main", ended=lambda: True, gap=str)
    assert [batch async for batch in follower.batches() if batch] == [[(1769860800250, b"x\n")]]


async def test_a_log_that_was_rotated_away_is_said(monkeypatch):
    """Kubernetes gives the newest file only: what is lost is not lost in silence."""
    monkeypatch.setattr("brignb.executors.kubernetes.following.backoff", lambda _: 0.0)
    kubelet, gaps = Kubelet([line(1, "a"), line(2, "b")], cuts=0), []
    ended = iter([False, False, True])
    follower = Follower(kubelet, "/log", "main", ended=lambda: next(ended, True), gap=gaps.append)
    told = []
    async for batch in follower.batches():
        told += [content for _, content in batch]
        kubelet.lines = [line(5000, "c")]
    assert b"".join(told) == b"a\nb\nc\n"
    assert len(gaps) == 1
    assert "rotated" in gaps[0]


async def test_a_container_that_its_node_has_forgotten_is_no_log():
    """The kubelet says so with status 200."""

    class Forgetful(Kubelet):
        async def open(self, method, path, **params):
            return Answer([b"unable to retrieve container logs for containerd://0123"])

    assert await read(Forgetful([], cuts=-1)) == b""


async def test_an_end_that_cannot_be_read_is_said(monkeypatch):
    """After some tries: a node may be away for a moment."""
    monkeypatch.setattr("brignb.executors.kubernetes.following.backoff", lambda _: 0.0)

    class Broken(Kubelet):
        async def open(self, method, path, **params):
            raise ApiError(500, "InternalError", "no connection to the node")

    gaps = []
    follower = Follower(Broken([], cuts=-1), "/log", "main", ended=lambda: True, gap=gaps.append)
    assert [batch async for batch in follower.batches()] == []
    assert "no connection to the node" in gaps[0]
