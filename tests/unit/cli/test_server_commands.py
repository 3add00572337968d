"""Commands that speak to a server: what they print, for people and programs, and their exit codes."""

import asyncio
import importlib.util
import json
import os
import sys
from pathlib import Path

import pytest

from brignb.archive.seam import RECORD
from brignb.model.builds import State

PROJECT = "project: owner/repo\ncloneURL: https://git.example.com/x.git\nsharedSecret: a-shared-secret-1\nnotebok: x\n"
CELL = {"cell_type": "code", "id": "a", "metadata": {}, "source": "x = 1", "outputs": [], "execution_count": None}
NOTEBOOK = json.dumps({"cells": [CELL], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
NOWHERE = "01JAAAAAAAAAAAAAAAAAAAAAAA"


async def test_a_project_is_created_listed_shown_and_deleted(remote, tmp_path):
    file = tmp_path / "demo.yaml"
    file.write_text(PROJECT)
    created = await remote("project", "create", "-f", file)
    assert (created.code, created.out) == (0, "project owner/repo is registered\n")
    assert "notebok" in created.err
    assert "demo.yaml:4" in created.err
    again = await remote("project", "create", "-f", file)
    assert again.code == 2
    assert "--replace" in again.err
    replaced = await remote("project", "create", "-f", file, "--replace", "-o", "json")
    assert (replaced.code, replaced.json["project"]) == (0, "owner/repo")
    listed = await remote("project", "list", "-o", "json")
    assert [each["project"] for each in listed.json["items"]] == ["owner/repo"]
    assert listed.json["next"] is None
    shown = await remote("project", "show", "owner/repo")
    assert "REDACTED" in shown.out
    for ended in (created, replaced, listed, shown):
        assert "a-shared-secret-1" not in ended.out + ended.err
    assert (await remote("project", "delete", "owner/repo")).code == 0
    assert (await remote("project", "show", "owner/repo")).code == 2


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("create", "-f", "x.yaml", "--kube", "--server", "http://127.0.0.1:1"), "not to both"),
        (("create", "-f", "x.yaml", "--namespace", "ci"), "add --kube"),
        (("delete", "owner/repo", "-n", "ci"), "add --kube"),
    ],
)
def test_a_server_or_a_cluster(brignb, words, what):
    """Said before anything is read or asked."""
    ended = brignb("project", *words)
    assert (ended.code, what in ended.err) == (2, True)


async def test_a_table_is_plain_where_it_is_piped(site, remote):
    await site.create()
    assert (await remote("project", "list")).out.splitlines()[1].split() == [
        "owner/repo",
        "https://git.example.com/x.git",
        "brignb.ipynb",
    ]


async def test_an_event_is_raised_with_its_payload_as_it_is(site, remote, tmp_path):
    await site.create()
    file = tmp_path / "event.json"
    file.write_text('{"a" : 1.0}')
    told = (await remote("event", "create", "-P", "owner/repo", "-t", "push", "--payload", file, "-o", "json")).json
    assert told["status"] == "accepted"
    event = await site.store.event(told["event"])
    assert (event.payload, event.source, event.type) == ('{"a" : 1.0}', "cli", "push")


async def test_following_an_event_shows_its_logs_and_ends_as_the_build_does(site, remote):
    await site.create()
    for state, code in ((State.SUCCEEDED, 0), (State.FAILED, 1)):
        command = ("event", "create", "-P", "owner/repo", "-t", "push", "--ref", "main", "--follow")
        following = asyncio.create_task(remote(*command))
        build = await _claimed(site)
        site.write(build, "hello")
        await site.end(build, state, reason="job_failed" if code else None)
        ended = await following
        assert (ended.code, ended.out) == (code, "worker | hello\n")
        assert str(state) in ended.err


async def test_builds_are_listed_and_shown(site, remote):
    await site.create()
    build = await site.running()
    await site.job(build, "test", State.FAILED)
    await site.end(build, State.FAILED, reason="job_failed", message="test failed")
    await site.raised()
    listed = await remote("build", "list", "-P", "owner/repo", "--state", "failed", "-o", "json")
    assert [each["id"] for each in listed.json["items"]] == [build]
    page = await remote("build", "list", "--limit", 1)
    assert (page.code, page.out.count("\n")) == (0, 2)
    assert "--cursor" in page.err
    shown = await remote("build", "get", build)
    assert shown.code == 0
    for word in (build, "job_failed", "test failed", "push from api"):
        assert word in shown.out
    assert (await remote("build", "get", build, "-o", "json")).json["jobs"][0]["name"] == "test"


async def test_logs_are_shown_as_text_or_as_one_document(site, remote):
    await site.create()
    build = await site.running()
    site.write(build, "from the worker")
    job = await site.job(build, "test", State.FAILED)
    site.write(build, "from the job", stream=job)
    assert (await remote("build", "logs", build)).out == "worker | from the worker\ntest | from the job\n"
    assert (await remote("build", "logs", build)).code == 0, "it runs, and nobody asked how it will end"
    await site.end(build)
    document = (await remote("build", "logs", build, "-o", "json")).json
    assert [(line["job"], line["text"]) for line in document["items"]] == [
        ("worker", "from the worker"),
        ("test", "from the job"),
    ]
    one = await remote("build", "logs", build, "-f", "-j", "test")
    assert one.out == "from the job\n"
    assert one.code == 1, "the build succeeded, but the job that was asked for did not"
    assert (await remote("build", "logs", build, "-f")).code == 0


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELED, State.TIMED_OUT, State.LOST])
async def test_following_a_build_that_does_not_succeed_is_exit_1(site, remote, state):
    await site.create()
    build = await site.running()
    await site.end(build, state)
    assert (await remote("build", "logs", "-f", build)).code == 1


async def test_a_record_is_written_or_printed(site, remote, tmp_path):
    await site.create()
    build = await site.running()
    assert (await remote("build", "record", build)).code == 2
    site.archive.put(build, RECORD, b'{"cells": []}')
    await site.end(build, State.FAILED)
    assert (await remote("build", "record", build)).json == {"cells": []}
    file = tmp_path / "record.ipynb"
    written = await remote("build", "record", build, "--output", file)
    assert (written.code, written.out, json.loads(file.read_bytes())) == (0, "", {"cells": []})
    nowhere = await remote("build", "record", build, "--output", tmp_path / "no" / "where")
    assert nowhere.code == 2


async def test_cancel_and_rerun(site, remote):
    await site.create()
    build = await site.raised()
    assert "canceled" in (await remote("build", "cancel", build)).out
    again = await remote("build", "cancel", build, "-o", "json")
    assert (again.code, again.json["state"]) == (0, "canceled")
    rerun = await remote("build", "rerun", build, "-o", "json")
    assert (rerun.code, rerun.json["status"]) == (0, "accepted")
    assert rerun.json["build"] != build


async def test_unknown_ids_are_exit_2(site, remote):
    await site.create()
    for command in ("get", "logs", "record", "cancel", "rerun"):
        ended = await remote("build", command, NOWHERE)
        assert (ended.code, ended.out) == (2, "")
        assert ended.err.startswith("error: ")
        assert NOWHERE in ended.err
    for words in (("build", "list", "-P", "no/body"), ("event", "create", "-P", "no/body", "-t", "push")):
        assert (await remote(*words)).code == 2
    assert (await remote("build", "list", "--state", "finished")).code == 2
    assert (await remote("build", "logs", "../../key")).code == 2


async def test_a_server_that_refuses_us_is_exit_3(remote, home):
    (home / "token").write_text("another")
    ended = await remote("build", "list")
    assert ended.code == 3
    assert "token" in ended.err
    (home / "token").unlink()
    assert (await remote("build", "list")).code == 3


async def test_the_environment_and_the_option_name_another_server(site, remote, home, monkeypatch):
    (home / "server.json").write_text(json.dumps({"url": "http://127.0.0.1:9"}))
    assert (await remote("build", "list")).code == 3
    assert (await remote("build", "list", "--server", site.url)).code == 0
    monkeypatch.setenv("BRIGNB_SERVER", site.url)
    assert (await remote("build", "list")).code == 0
    monkeypatch.setenv("BRIGNB_TOKEN", "wrong")
    assert (await remote("build", "list")).code == 3


async def _claimed(site) -> str:
    """The next build, once there is one."""
    async with asyncio.timeout(10):
        while not (claimed := await site.store.claim(at=site.services.now_ms(), limit=1)):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    site.news.ring(claimed[0].id)
    return claimed[0].id


async def test_debugging_without_jupyterlab_says_what_to_install(site, remote, tmp_path, monkeypatch):
    """The folder is made all the same, and said."""
    await site.create(cloneURL=None, defaultNotebook=NOTEBOOK)
    build = await site.running()
    still = await remote("debug", build, "--dir", tmp_path / "there")
    assert still.code == 2
    assert f"brignb build cancel {build}" in still.err
    await site.end(build, State.FAILED, reason="cell_error")
    site.archive.put(build, RECORD, NOTEBOOK.encode())
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    made = await remote("debug", build, "--dir", tmp_path / "there")
    assert made.code == 0, made.err
    assert str(tmp_path / "there" / "brignb.ipynb") in made.out
    assert "pip install 'brignb[lab]'" in made.err
    assert "brignb debug" in (await remote("build", "get", build)).err
    missing = await remote("build", "diff", build, tmp_path / "there" / "brignb.ipynb")
    assert missing.code == 2
    assert "nbdime" in missing.err


@pytest.fixture
def nbdime(monkeypatch):
    """An extra that would make every other test slower: it lives in the environment of `make browser`."""
    if importlib.util.find_spec("nbdime") is None:
        there = [*Path(__file__).parents[3].glob(".venv/jupyter/lib/python*/site-packages/nbdime")]
        if not there:
            (pytest.fail if os.environ.get("CI") else pytest.skip)("nbdime is not installed; `make browser` does it")
        monkeypatch.setattr(sys, "path", [*sys.path, str(there[0].parent)])


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.usefixtures("nbdime")
async def test_a_difference_is_one_of_what_builds_run(site, remote, tmp_path):
    await site.create(cloneURL=None, defaultNotebook=NOTEBOOK)
    build = await site.raised()
    file = tmp_path / "now.ipynb"
    now = json.loads(NOTEBOOK)
    scratch = {**now["cells"][0], "id": "s", "metadata": {"tags": ["scratch"]}, "source": "print('only here')"}
    for source, differs in (("x = 1", False), ("x = 2", True)):
        file.write_text(json.dumps({**now, "cells": [{**now["cells"][0], "source": source}, scratch]}))
        told = await remote("build", "diff", build, file)
        assert told.code == 0, told.err
        assert ("x = 2" in told.out, "only here" in told.out) == (differs, False)
    file.write_text("{")
    assert (await remote("build", "diff", build, file)).code == 2
