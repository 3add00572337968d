"""`/api/builds/{id}/logs`: live, whole, resumable, and ended with the build."""

import asyncio
import json

import httpx
import pytest

from brignb.api.following import Following, Looks
from brignb.model.builds import State
from brignb.model.logs import LogLine

SSE = {"accept": "text/event-stream"}


@pytest.fixture
async def build(site):
    await site.create()
    return await site.running()


class Reader:
    """Reads a streamed answer, piece by piece."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.aiter_lines()

    async def line(self) -> str:
        async with asyncio.timeout(10):
            return await anext(self._lines)

    async def event(self) -> dict[str, str]:
        """The next server-sent event; comments are left out."""
        found: dict[str, str] = {}
        while line := await self.line():
            name, _, value = line.partition(": ")
            found[name] = value
        return await self.event() if set(found) <= {""} else found


async def test_all_lines_carry_their_name(site, build):
    site.write(build, "from the worker")
    job = await site.job(build, "test")
    site.write(build, "from a job", stream=job)
    await site.end(build)
    answer = await site.user.get(f"/api/builds/{build}/logs")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text == "worker | from the worker\ntest | from a job\n"


async def test_one_job_is_shown_plain_by_name_or_id_in_all_its_runs(site, build):
    site.write(build, "not this")
    runs = [await site.job(build, "test", run=run) for run in (1, 2)]
    for number, run in enumerate(runs):
        site.write(build, f"run {number}", stream=run)
    await site.end(build)

    async def text(job):
        return (await site.user.get(f"/api/builds/{build}/logs", params={"job": job})).text

    assert await text("test") == "run 0\nrun 1\n"
    assert await text(runs[1]) == "run 1\n"
    assert await text("worker") == "not this\n"


async def test_a_job_that_is_not_there_is_not_found(site, build, refused):
    await site.job(build, "test")
    error = refused(await site.user.get(f"/api/builds/{build}/logs?job=tset"), 404)
    assert "test" in error["hint"]
    await site.end(build)
    refused(await site.user.get(f"/api/builds/{build}/logs?job=tset&follow=1"), 404)


async def test_a_follower_sees_each_line_when_it_is_written_and_ends_with_the_build(site, build):
    """Told, not polled for: it looks by itself only at a heartbeat, every 15 s."""
    async with site.user.stream("GET", f"/api/builds/{build}/logs?follow=1", headers=SSE) as answer:
        reader = Reader(answer)
        await reader.line()  # the sign that it follows
        for number in range(5):
            site.write(build, f"line {number}")
            async with asyncio.timeout(5):
                assert json.loads((await reader.event())["data"])["text"] == f"line {number}"
        await site.end(build, State.FAILED, reason="job_failed")
        end = await reader.event()
        assert end["event"] == "end"
        assert json.loads(end["data"]) == {"state": "failed", "reason": "job_failed", "message": None}


async def test_text_is_followed_too_and_shows_prompts_as_they_are(site, build):
    """A line that is not complete yet is seen when only one stream is read, and waits for its end when lines are prefixed."""
    urls = [f"/api/builds/{build}/logs?follow=1&job=worker", f"/api/builds/{build}/logs?follow=1"]
    one, all_ = [asyncio.create_task(site.user.get(url)) for url in urls]
    site.write(build, "password", partial=True)
    job = await site.job(build, "test")
    site.write(build, "between", stream=job)
    site.write(build, "ok")
    await site.end(build)
    assert (await one).text == "passwordok\n"
    assert sorted((await all_).text.splitlines()) == ["test | between", "worker | passwordok"]


async def test_jobs_that_start_later_are_followed(site, build):
    task = asyncio.create_task(site.user.get(f"/api/builds/{build}/logs?follow=1&job=later"))
    await asyncio.sleep(0)
    job = await site.job(build, "later")
    site.write(build, "here", stream=job)
    await site.end(build)
    assert (await task).text == "here\n"


async def test_a_reconnect_at_any_line_loses_and_repeats_nothing(site, build):
    job = await site.job(build, "test")
    for number in range(40):
        site.write(build, f"line {number}", stream=job if number % 3 else "worker", partial=number % 7 == 0)
    await site.end(build)
    url = f"/api/builds/{build}/logs"
    whole = _events((await site.user.get(url, headers=SSE)).text)
    assert [line["text"] for _, line in whole] == [f"line {number}" for number in range(40)]
    for at, (cursor, _) in list(enumerate(whole))[::4]:
        rest = _events((await site.user.get(url, headers={**SSE, "last-event-id": cursor})).text)
        assert [line for _, line in rest] == [line for _, line in whole[at + 1 :]]
    by_query = _events((await site.user.get(url, params={"cursor": whole[-2][0]}, headers=SSE)).text)
    assert [line["text"] for _, line in by_query] == ["line 39"]


async def test_a_cursor_that_is_none_is_bad_input(site, build, refused):
    refused(await site.user.get(f"/api/builds/{build}/logs?cursor=../1"), 400)


@pytest.mark.slow
async def test_a_hundred_followers_see_everything(site, build):
    lines = [f"line {number}" for number in range(200)]
    url = f"/api/builds/{build}/logs?follow=1&job=worker"
    followers = [asyncio.create_task(site.user.get(url)) for _ in range(100)]
    for line in lines:
        site.write(build, line)
        await asyncio.sleep(0)
    await site.end(build)
    texts = {answer.text for answer in await asyncio.gather(*followers)}
    assert texts == {"\n".join(lines) + "\n"}


async def test_followers_that_wake_together_share_a_look(site, build):
    asked = 0

    class Counting:
        async def build(self, build_id):
            nonlocal asked
            asked += 1
            return await site.store.build(build_id)

    looks = Looks(Counting(), site.news)
    found = await asyncio.gather(*(looks.look(build) for _ in range(50)))
    assert asked == 1
    assert {each.id for each, _seen in found} == {build}
    site.news.ring(build)
    await looks.look(build)
    assert asked == 2, "a look never answers with what was known before the news"


async def test_silence_is_broken_so_that_nobody_hangs_up(site, build):
    looks = Looks(site.store, site.news)
    following = Following(site.services, looks, await site.store.build(build), job=None, cursor="", heartbeat=0.01)
    batches = following.lines(follow=True)
    assert await anext(batches) == []
    await batches.aclose()


async def test_a_log_larger_than_memory_should_hold_is_read_in_pieces(site, build):
    site.archive.append(build, "worker", 0, LogLine(0, "stdout", "x" * 1000).encode() * 3000)
    await site.end(build)
    following = Following(
        site.services, Looks(site.store, site.news), await site.store.build(build), job=None, cursor=""
    )
    batches = [len(batch) async for batch in following.lines(follow=True)]
    assert sum(batches) == 3000
    assert max(batches) < 300


async def test_a_follower_that_leaves_is_forgotten(site, build):
    async with site.user.stream("GET", f"/api/builds/{build}/logs?follow=1", headers=SSE) as answer:
        await Reader(answer).line()
    async with asyncio.timeout(10):
        while any(site.news._waiting.values()):  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.005)


def _events(text: str) -> list[tuple[str, dict]]:
    """Cursor and line of each event but the end."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "id" in fields:
            found.append((fields["id"], json.loads(fields["data"])))
    return found
