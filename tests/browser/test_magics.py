"""The form, the inbox and the pipeline, as their author sees and uses them."""

from __future__ import annotations

import json
import re

import nbformat
import pytest
from playwright.sync_api import expect

from brignb.testing import LocalServer, payloads

PARAMETERS = nbformat.v4.new_code_cell(
    """\
from typing import Annotated, Literal
environment: Literal["staging", "production"] = "staging"
version: str = "1.0"                          # from: event.data.release.tag_name
replicas: int = 3
dry_run: bool = True
day: Annotated[str, "date"] = "2026-01-31"
config: Annotated[str, "file"] = "deploy.yaml"
note: str | None = None""",
    metadata={"tags": ["parameters"]},
)
HANDLERS = """\
%load_ext brignb
from brignb import events, Job, Group, project

@events.on("release:published", "push")
async def deploy(event):
    print("deploying", version, "to", environment, "on", day, flush=True)
    build = Job("build", tasks=["echo building"], use_source=False)
    await Group.sequence(build, Job("deploy", tasks=["sleep 0.2"], use_source=False))

@events.on("issues:opened")
def triage(event):
    Job("label", tasks=["exit 3"], fallible=True, use_source=False).run()"""
PUSH = """\
from brignb import events, Job, Group

@events.on("push")
async def push(event):
    build = Job("build", tasks=["sleep 0.4"], use_source=False)
    tests = [Job(f"test-{n}", tasks=[f"sleep 0.{n}"], use_source=False) for n in (2, 5)]
    await Group.sequence(build, Group.concurrent(*tests))"""
WORKER = {
    "cells": [{"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "execution_count": None, "source": PUSH}],
    "metadata": {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}
HOSTILE = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>"


@pytest.fixture(scope="module")
def filled():
    """A server whose inbox has something in it."""
    server = LocalServer()
    server.create({"project": "example/demo", "sharedSecret": "a-shared-secret", "defaultNotebook": json.dumps(WORKER)})
    kinds = ("release:published", "issues:opened", "pull_request:opened", "push")
    told = [server.send(payloads.delivery(kind, project="example/demo", secret="a-shared-secret")) for kind in kinds]
    with server.client() as client:
        told.append(client.create_event("example/demo", "hostile", payload=json.dumps({HOSTILE: HOSTILE})))
    builds = [server.ended(each["build"])["id"] for each in told]
    yield server, dict(zip((*kinds, "hostile"), builds, strict=True))
    server.close()


def found(server: LocalServer) -> str:
    """A cell, after which the kernel finds the server."""
    return f"import os\nos.environ['BRIGNB_HOME'] = {str(server.home)!r}"


@pytest.mark.parametrize("front", ["lab", "notebook"])
def test_the_form_fires_with_its_values(open_notebook, picture, front) -> None:
    """Fields by type; a click prints under the form, and what is wrong stands there."""
    book = open_notebook(PARAMETERS, HANDLERS, "%brig form push", "version", front=front)
    for number in range(3):
        book.ran(number)
    form = book.cell(2)
    expect(form.get_by_label("environment")).to_have_value("staging")
    expect(form.locator("input[type=date]")).to_have_value("2026-01-31")
    expect(form.locator("input[type=checkbox]").first).to_be_checked()
    form.get_by_label("environment").select_option("production")
    form.get_by_label("version").fill("2.0")
    form.get_by_label("version").press("Tab")
    form.get_by_label("event").fill("no type")
    form.get_by_role("button", name="Fire").click()
    expect(form).to_contain_text("is no event type")
    form.get_by_label("event").fill("push")
    form.get_by_role("button", name="Fire").click()
    expect(form).to_contain_text("deploy answered push: ✓ succeeded")
    expect(form).to_contain_text("deploying 2.0 to production on 2026-01-31")
    if front == "lab":
        picture(form.locator(".jp-Cell-outputWrapper"), "form")
    book.ran(3)
    expect(book.cell(3)).to_contain_text("'2.0'")


def test_the_inbox_shows_fires_and_runs_again(open_notebook, picture, filled) -> None:
    """Filter, look, fire here, run again there; a stranger's payload is text."""
    server, _ = filled
    book = open_notebook(found(server), "environment, version, day = 'here', '1', 'today'", HANDLERS, "%brig inbox")
    for number in range(4):
        book.ran(number)
    inbox = book.cell(3)
    expect(inbox.locator("option")).to_have_count(5)
    expect(inbox).to_contain_text("onerror")
    assert book.page.title() != "broken"
    inbox.get_by_placeholder("filter").fill("release succeeded")
    inbox.get_by_placeholder("filter").press("Enter")
    expect(inbox.locator("option")).to_have_count(1)
    expect(inbox).to_contain_text("release:published github")
    inbox.locator("summary", has_text="repository").first.click()
    expect(inbox).to_contain_text("example/demo")
    inbox.get_by_role("button", name="Fire here").click()
    expect(inbox).to_contain_text("deploy answered release:published: ✓ succeeded")
    expect(inbox).to_contain_text("deploying 1 to here on today")
    expect(inbox.locator(".brignb-view")).to_have_count(1)  # the handler's jobs, too
    picture(inbox.locator(".jp-Cell-outputWrapper"), "inbox")
    inbox.get_by_role("button", name="Run again there").click()
    expect(inbox).to_contain_text(re.compile("the server runs it again: build 0"))
    inbox.get_by_placeholder("filter").fill("")
    inbox.get_by_placeholder("filter").press("Enter")
    inbox.get_by_role("button", name="Refresh").click()
    expect(inbox.locator("option")).to_have_count(6)


def test_the_pipeline_and_a_build(open_notebook, picture, filled) -> None:
    """Handlers with their cells and last runs; a build with its time line."""
    server, builds = filled
    look = f"from brignb.magics import build\nbuild('{builds['push']}')"
    cells = [found(server), "environment, version, day = 'here', '1', 'today'", HANDLERS, "%brig fire push", "events"]
    book = open_notebook(*cells, "project", look)
    for number in range(7):
        book.ran(number)
    pipeline = book.cell(4)
    expect(pipeline.locator("table")).to_contain_text("issues:opened")
    expect(pipeline).to_contain_text("✓ succeeded")
    expect(pipeline).to_contain_text("job deploy")
    source = pipeline.locator("details", has_text="deploy(event)").first
    expect(source.locator("pre")).not_to_be_visible()
    source.locator("summary").click()
    expect(source.locator("pre")).to_contain_text("async def deploy(event):")
    expect(source).to_contain_text("In[3]")
    picture(pipeline.locator(".jp-Cell-outputWrapper"), "pipeline")
    expect(book.cell(5)).to_contain_text("privileged jobs")
    shown = book.cell(6)
    expect(shown).to_contain_text("time line")
    for name in ("job build", "job test-2", "job test-5"):
        expect(shown.locator(f'[title^="{name}: "]')).to_be_visible()
    picture(shown.locator(".jp-Cell-outputWrapper"), "build")


def test_a_saved_notebook_shows_the_static_form(open_notebook) -> None:
    """A widget is dead without its kernel; what it showed is not gone with it."""
    book = open_notebook(PARAMETERS, HANDLERS, "%brig form push")
    for number in range(3):
        book.ran(number)
    form = book.cell(2)
    expect(form.get_by_role("button", name="Fire")).to_be_visible()
    expect(form.locator("table")).not_to_be_visible()
    book.save()
    book.menu("Kernel", "Restart Kernel…")
    book.page.get_by_role("button", name="Confirm Kernel Restart").click()
    book.page.reload()
    book.ready()
    expect(form.locator("table")).to_contain_text("event.data.release.tag_name")
    expect(form.locator("table")).to_be_visible()
