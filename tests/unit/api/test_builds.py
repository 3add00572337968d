"""`/api/builds`, but for the logs."""

import hashlib
import json

import pytest

from brignb.api.shapes import BuildPage, BuildShape, JobPage
from brignb.archive.seam import RECORD, WORKER_NOTEBOOK
from brignb.model.builds import State

NOWHERE = "01JAAAAAAAAAAAAAAAAAAAAAAA"


def notebook(source):
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


@pytest.fixture
async def project(site):
    await site.create()
    return site


async def test_a_build_has_the_contracts_fields(project):
    build = await project.running()
    job = await project.job(build, "test", State.FAILED)
    await project.end(build, State.FAILED, reason="job_failed", message="test failed")
    told = (await project.user.get(f"/api/builds/{build}")).json()
    BuildShape.model_validate(told)
    assert (told["state"], told["reason"], told["jobs"][0]["id"]) == ("failed", "job_failed", job)
    assert told["created_at"].endswith("Z")
    jobs = (await project.user.get(f"/api/builds/{build}/jobs")).json()
    JobPage.model_validate(jobs)
    assert jobs["items"] == told["jobs"]


async def test_pages_are_newest_first_and_can_be_filtered(project):
    await project.create("owner/other")
    waiting = [await project.raised() for _ in range(3)]
    other = await project.raised("owner/other")
    first = (await project.user.get("/api/builds", params={"project": "owner/repo", "limit": 2})).json()
    BuildPage.model_validate(first)
    rest = (await project.user.get("/api/builds", params={"project": "owner/repo", "cursor": first["next"]})).json()
    assert [build["id"] for build in first["items"] + rest["items"]] == waiting[::-1]
    await project.store.cancel(other, at=1)
    canceled = (await project.user.get("/api/builds", params={"state": "canceled"})).json()
    assert [build["id"] for build in canceled["items"]] == [other]


async def test_a_bad_query_is_told_by_its_name(project, refused):
    for query, where in [
        ("state=finished", "state"),
        ("limit=0", "limit"),
        ("limit=many", "limit"),
        ("cursor=nonsense", "cursor"),
        ("cursor=" + "x" * 1000, "cursor"),
    ]:
        assert refused(await project.user.get(f"/api/builds?{query}"), 400)["where"] == where


async def test_a_project_that_is_not_there_has_no_builds_to_list(project, refused):
    """An empty list would hide a typing error."""
    refused(await project.user.get("/api/builds?project=owner/rpeo"), 404)


@pytest.mark.parametrize("rest", ["", "/jobs", "/logs", "/record", "/notebook", "/source"])
async def test_ids_that_are_not_there_are_not_found(project, refused, rest):
    for build in (NOWHERE, "x", "..%2f..%2fkey", "%00", NOWHERE.lower(), "x" * 5000):
        refused(await project.user.get(f"/api/builds/{build}{rest}"), 404)


async def test_acts_on_ids_that_are_not_there_are_not_found(project, refused):
    for act in ("cancel", "rerun"):
        refused(await project.user.post(f"/api/builds/{NOWHERE}/{act}"), 404)


async def test_cancel_ends_what_waits_and_leaves_what_has_ended(project):
    build = await project.raised()
    answer = await project.user.post(f"/api/builds/{build}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (200, "canceled")
    again = await project.user.post(f"/api/builds/{build}/cancel")
    assert again.json() == answer.json()


async def test_rerun_says_the_same_again_at_the_resolved_commit(project):
    first = await project.running()
    await project.store.note_start(first, attempt=1, commit="c" * 40, tier="fork")
    await project.end(first)
    answer = await project.user.post(f"/api/builds/{first}/rerun")
    assert answer.status_code == 202
    assert answer.json()["build"] != first
    again = (await project.user.get(f"/api/builds/{answer.json()['build']}")).json()
    assert again["state"] == "pending"
    assert again["event"]["type"] == "push"
    assert again["event"]["revision"]["commit"] == "c" * 40
    assert len(project.woken) == 2


async def test_rerun_takes_another_notebook(project):
    """Kept with its build, before the answer, and told by its digest; a rerun of the rerun runs the same."""
    first = await project.raised()
    given = notebook("print('mended')")
    answer = await project.user.post(f"/api/builds/{first}/rerun", content=given)
    assert answer.status_code == 202, answer.text
    again = await project.user.post(f"/api/builds/{answer.json()['build']}/rerun")
    for build in (answer.json()["build"], again.json()["build"]):
        told = (await project.user.get(f"/api/builds/{build}")).json()
        assert told["given_notebook"] == hashlib.sha256(given).hexdigest()
        assert (await project.user.get(f"/api/builds/{build}/notebook")).content == given
    assert (await project.user.get(f"/api/builds/{first}")).json()["given_notebook"] is None


@pytest.mark.parametrize(
    ("given", "word"),
    [(b"{", "JSON"), (b"[]", "notebook"), ("x = (", "cell 1"), ("x = 'a-secret-of-the-project'", "secret")],
)
async def test_rerun_refuses_a_notebook_that_cannot_run(project, refused, given, word):
    """As an export would, with its problems; nothing is queued for it."""
    await project.user.delete("/api/projects/owner/repo")
    await project.create(secrets={"S": "a-secret-of-the-project"})
    build = await project.raised()
    body = given if isinstance(given, bytes) else notebook(given)
    error = refused(await project.user.post(f"/api/builds/{build}/rerun?name=mine.ipynb", content=body), 400)
    assert word in error["where"] + error["message"]
    assert "a-secret-of-the-project" not in str(error)
    assert len((await project.user.get("/api/builds")).json()["items"]) == 1


async def test_the_notebook_that_ran(project, refused):
    """The project's own, while it is what the build ran; a notebook's builds have none."""
    await project.user.delete("/api/projects/owner/repo")
    created = await project.create(cloneURL=None, defaultNotebook=notebook("1").decode())
    assert created.status_code == 201, created.text
    build = await project.running()
    path = f"/api/builds/{build}/notebook"
    assert (await project.user.get(path)).content == notebook("1")
    ran = {"metadata": {"brignb": {"source": {"name": "defaultNotebook", "sha256": "another"}}}}
    project.archive.put(build, WORKER_NOTEBOOK, json.dumps(ran).encode())
    assert "record" in refused(await project.user.get(path), 404)["hint"]
    await project.store.note_start(build, attempt=1, commit=None, tier="notebook")
    refused(await project.user.get(path), 404)


async def test_a_record_is_a_notebook(project):
    build = await project.running()
    project.archive.put(build, RECORD, b'{"cells": []}')
    answer = await project.user.get(f"/api/builds/{build}/record")
    assert answer.headers["content-type"] == "application/x-ipynb+json"
    assert answer.content == b'{"cells": []}'


async def test_a_record_that_is_not_there_says_why(project, refused):
    build = await project.running()
    assert "running" in refused(await project.user.get(f"/api/builds/{build}/record"), 404)["hint"]
    await project.end(build, State.FAILED, reason="commit_not_found", message="no such commit")
    assert refused(await project.user.get(f"/api/builds/{build}/record"), 404)["hint"] == "no such commit"


async def test_metrics_count_builds_and_events(project):
    await project.raised()
    await project.github(b"{}", secret="wrong")
    text = (await project.user.get("/metrics")).text
    assert 'brignb_builds{state="pending"} 1.0' in text
    assert 'brignb_events_total{gateway="api",outcome="accepted"} 1.0' in text
    assert 'brignb_events_total{gateway="github",outcome="refused"} 1.0' in text
    assert "process_resident_memory_bytes" in text, "what the process costs, under Prometheus' own names"
