"""The live view of a group: one view, a tree with a time line, the log of a chosen job."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

GROUP = """
from brignb import Group, Job
def job(name, seconds, *more):
    return Job(name, "python:3.12-slim", tasks=[f"echo {name} works; sleep {seconds}", *more], use_source=False)
tests = [job("test-3-11", 0.6), job("test-3-12", 1.2), job("lint", 0.3)]
release = Group.sequence(job("build", 0.8), Group.concurrent(*tests, limit=2), job("publish", 0.2, "echo no access >&2", "exit 3"), job("announce", 0))
"""


def test_plan_then_run(open_notebook) -> None:
    """Shown before it runs, it says what it would do; run, its jobs stand in it and not beside it."""
    book = open_notebook(GROUP + "release", "release.run()")
    book.ran(0)
    expect(book.cell(0).locator(".jp-OutputArea-output")).to_contain_text("not run yet")
    book.ran(1)
    view = book.live(1)
    expect(view).to_have_count(1)
    tree = view.get_by_role("tree")
    expect(tree.get_by_role("treeitem")).to_have_count(7)
    expect(tree.get_by_role("treeitem").filter(has_text="announce")).to_contain_text("waits")
    expect(view.get_by_role("status").first).to_contain_text("failed")
    expect(tree.get_by_role("treeitem").filter(has_text="announce")).to_contain_text("skipped")
    expect(view.locator(".critical")).to_have_text(re.compile("critical path: build → test-3-12 → publish"))
    assert book.cell(1).locator(".jp-OutputArea-output").count() == 1
    book.page.set_viewport_size({"width": 650, "height": 900})  # as at 200 % of 1300: columns are as narrow as they get
    ruler, lane = (view.locator(each).first.bounding_box() for each in (".ruler", ".lane"))
    assert abs(ruler["x"] - lane["x"]) < 1, "bars stand under their times"


def test_tree_by_keyboard(open_notebook) -> None:
    """Arrows move, Enter opens a job's log and closes it; what failed is opened by itself."""
    book = open_notebook(GROUP + "release.run()")
    book.ran(0)
    view = book.live(0)
    expect(view.get_by_role("region", name="job publish")).to_contain_text("no access")
    items = view.get_by_role("treeitem")
    items.first.focus()
    items.first.press("Enter")
    expect(view.get_by_role("log")).to_contain_text("build works")
    items.first.press("ArrowDown")
    items.nth(1).press("ArrowDown")
    expect(items.nth(2)).to_be_focused()
    items.nth(2).press("Enter")
    expect(view.get_by_role("log")).to_contain_text("test-3-11 works")
    items.nth(2).press("Enter")
    expect(view.get_by_role("log")).to_have_count(0)


def test_run_again_it_shows_no_log_of_the_run_before(open_notebook) -> None:
    """The log that was open is another job's by then; what fails in the new run is opened by itself."""
    book = open_notebook(GROUP + "release.run()")
    book.ran(0)
    view = book.live(0)
    expect(view.get_by_role("region", name="job publish")).to_be_visible()
    view.get_by_role("treeitem").first.click()
    expect(view.get_by_role("region", name="job build")).to_be_visible()
    view.get_by_role("button", name="Rerun").click()
    expect(view.get_by_role("region", name="job publish")).to_contain_text("no access")


def test_one_job_of_a_group_is_canceled(open_notebook) -> None:
    """Its button acts on that job alone, and the group does with it what groups do."""
    book = open_notebook(GROUP.replace("1.2", "600") + "release.run()")
    book.ran(0)
    view = book.live(0)
    item = view.get_by_role("treeitem").filter(has_text="test-3-12")
    expect(item).to_contain_text("running")
    item.click()
    view.get_by_role("region", name="job test-3-12").get_by_role("button", name="Cancel").click()
    expect(item).to_contain_text("canceled")
    expect(view.get_by_role("status").first).to_contain_text("canceled")
    view.get_by_role("button", name="Rerun").click()
    expect(view.get_by_role("status").first).to_contain_text("running")
    view.locator("header").first.get_by_role("button", name="Cancel").click()
    expect(view.get_by_role("status").first).to_contain_text("canceled")


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_pictures(server, open_notebook, picture, theme) -> None:
    """For the documents; in both themes the tree has a bar for each job that ran."""
    server.theme(theme)
    book = open_notebook(GROUP + "release.run()", name=f"group-{theme}.ipynb")
    book.ran(0)
    view = book.live(0)
    expect(view.get_by_role("status").first).to_contain_text("failed")
    expect(view.get_by_role("region", name="job publish")).to_contain_text("no access")
    widths = view.locator(".bar").evaluate_all("bars => bars.map((bar) => parseFloat(bar.style.width) || 0)")
    assert [width > 0 for width in widths] == [True] * 5  # none for what never ran
    picture(view, f"group-{theme.lower()}")
    server.theme("Light")
