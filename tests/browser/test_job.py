"""The live view of a job, as its author sees and uses it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

BUILD = """
from brignb import Job
build = Job("build", "python:3.12-slim", use_source=False, tasks=[
    "echo compiling", "echo careful >&2", "printf '\\033[32mgreen\\033[0m\\n'", "echo wheel=demo.whl >> $BRIGNB_OUTPUT"])
build.run()
"""


@pytest.mark.parametrize("front", ["lab", "notebook"])
def test_job_is_shown_once_and_alive(open_notebook, front) -> None:
    """The last line of a cell: one view, with what a person wants to know."""
    book = open_notebook(BUILD, front=front)
    book.ran(0)
    view = book.live(0)
    expect(view).to_have_count(1)
    expect(view.get_by_role("status").first).to_contain_text("succeeded")
    for text in ("build", "exit code 0", "python:3.12-slim", "demo.whl"):
        expect(view).to_contain_text(text)
    expect(view.get_by_role("log")).to_contain_text("compiling")
    assert book.cell(0).locator(".jp-OutputArea-output").count() == 1
