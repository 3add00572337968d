"""Jobs that the server starts for workers: whose they are, and until when; through the real API, with an executor that runs nothing."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
import serverside

from brignb.errors import Conflict, JobRefused, NotFound
from brignb.model.builds import Outcome, State
from brignb.model.jobs import SENT, Bookmark, JobSpec
from brignb.testing.executor import FakeExecutor

BUILD = "01JV3ZQ8M4T7Y2K9R5W6X0ABCD"
OTHER = "01JV3ZQ8M4T7Y2K9R5W6X0ABCE"
JOB = "job-01jv3zq8m4t7y2k9r5w6x0aaaa"


class Played(FakeExecutor):
    """What a server has for a build, as far as these tests ask it."""

    def __init__(self, build, project) -> None:
        super().__init__()
        self.build, self.project, self.sent, self.closed = build, project, b"", False
        self.job("held*", holds=True)
        self.job("job", lines=["one", "two"], outputs={"A": "1"})

    async def start(self, spec, told=None) -> None:
        self.told = told
        await super().start(spec)

    async def bring(self, job_id, sent) -> None:
        self.sent = b"".join([chunk async for chunk in sent])

    def bookmark(self, _job_id) -> Bookmark:
        return Bookmark()

    async def close(self) -> None:
        await super().close()
        self.closed = True

    async def leave(self) -> None:
        pass


@pytest.fixture
async def site(tmp_path):
    made = []

    def make(build, project):
        made.append(Played(build, project))
        return made[-1]

    async with serverside.served(tmp_path, make) as (services, url):
        yield Site(services.store, services.news, made, url)


class Site:
    def __init__(self, store, news, made, url) -> None:
        self.store, self.news, self.made, self.url = store, news, made, url

    async def worker(self, build_id=BUILD, project="owner/repo"):
        return serverside.worker(self.url, await serverside.claimed(self.store, build_id, project))


def spec(job_id=JOB, **fields) -> JobSpec:
    facts = {"build_id": OTHER, "project": "somebody/else", "namespace": "elsewhere", "attempt": 7, "use_source": False}
    return JobSpec(id=job_id, name=job_id.rpartition("-")[0], tasks=("true",), **{**facts, **fields})


async def test_whose_a_job_is_is_the_servers_word(site):
    """Build, attempt, project and namespace come from the token."""
    worker = await site.worker()
    await worker.start(spec())
    (ran,) = site.made[0].jobs
    facts = (ran.spec.build_id, ran.spec.project, ran.spec.namespace, ran.spec.attempt)
    assert facts == (BUILD, "owner/repo", "default", 1)
    assert [line.text async for batch in worker.logs(JOB) for line in batch] == ["one", "two"]
    assert (await worker.wait(JOB)).outputs == {"A": "1"}
    await worker.close()
    assert site.made[0].closed


async def test_another_builds_jobs_are_not_there(site):
    """Neither by their id, nor by making one of that id."""
    one, other = await site.worker(), await site.worker(OTHER)
    await one.start(spec("held-01jv3zq8m4t7y2k9r5w6x0aaaa"))
    headers = {"authorization": f"Bearer {other._server.token}"}
    async with httpx.AsyncClient(base_url=site.url, headers=headers, trust_env=False) as http:
        for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/lines"), ("PUT", "/source")):
            answer = await http.request(method, f"/api/worker/runs/held-01jv3zq8m4t7y2k9r5w6x0aaaa{path}")
            assert answer.status_code == 404, (method, path)
    with pytest.raises(JobRefused, match="no job of this build"):
        await other.start(spec("job-01jv3zq8m5t7y2k9r5w6x0aaaa"))  # of another millisecond
    assert (await one.status("held-01jv3zq8m4t7y2k9r5w6x0aaaa")).state is State.RUNNING
    await one.close()
    await other.close()


async def test_an_attempt_that_is_over_starts_nothing(site):
    """Its worker does not know it yet."""
    worker = await site.worker()
    await worker.start(spec("held-01jv3zq8m4t7y2k9r5w6x0aaaa"))
    await site.store.requeue(BUILD, attempt=1, lost=False)
    with pytest.raises(Conflict):
        await worker.start(spec())
    await worker.close()


async def test_its_jobs_end_with_an_attempt_whoever_ended_it(site):
    """Another server may have; this one hears that the build has changed."""
    worker = await site.worker()
    await worker.start(spec("held-01jv3zq8m4t7y2k9r5w6x0aaaa"))
    await site.store.finish(BUILD, attempt=1, outcome=Outcome(state=State.CANCELED), at=5)
    site.news.forget(BUILD)
    async with asyncio.timeout(5):
        while not site.made[0].closed:  # noqa: ASYNC110 - nobody is told of it
            await asyncio.sleep(0.01)
    await worker.close()


async def test_the_source_comes_after_the_job(site, tmp_path):
    """As a tar without its end, streamed; the folder's name is this machine's business."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "file").write_text("content of the file")
    worker = await site.worker()
    await worker.start(spec("held-01jv3zq8m4t7y2k9r5w6x0aaaa", use_source=True, source=str(tmp_path / "src")))
    async with asyncio.timeout(5):
        while b"content of the file" not in site.made[0].sent:  # noqa: ASYNC110 - nobody is told of it
            await asyncio.sleep(0.01)
    assert site.made[0].jobs[0].spec.source == SENT
    await worker.close()


async def test_what_is_no_job_is_turned_away(site):
    """A notebook can send what it likes by its token."""
    worker = await site.worker()
    headers = {"authorization": f"Bearer {worker._server.token}"}
    async with httpx.AsyncClient(base_url=site.url, headers=headers, trust_env=False) as http:
        for job in ({}, {**spec().to_json(), "env": {"A": 5}}, {**spec().to_json(), "volumes": "all"}, None, []):
            answer = await http.post("/api/worker/runs", content=json.dumps({"job": job}))
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_input"), job
    assert site.made == []


async def test_a_workers_token_is_for_workers_routes(site):
    """And theirs for nobody else's."""
    worker = await site.worker()
    async with httpx.AsyncClient(base_url=site.url, trust_env=False) as http:
        as_worker = {"authorization": f"Bearer {worker._server.token}"}
        assert (await http.get("/api/projects", headers=as_worker)).status_code == 401
        for token in ("nonsense", serverside.TOKENS.pool("owner/repo")):
            answer = await http.delete("/api/worker/runs", headers={"authorization": f"Bearer {token}"})
            assert answer.status_code == 401
    with pytest.raises(NotFound):
        worker.logs(JOB)
