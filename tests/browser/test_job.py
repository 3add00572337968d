"""The live view of a job, as its author sees and uses it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

BUILD = """
from brignb import Job
build = Job("build", "python:3.12-slim", use_source=False, tasks=[
    "echo compiling", "echo careful >&2", r"printf '\\033[32mgreen\\033[0m\\n'", "echo wheel=demo.whl >> $BRIGNB_OUTPUT"])
build.run()
"""
RICH = r'''
from brignb import Job
script = """
i=0; while [ $i -lt 4 ]; do i=$((i+1)); printf '\\r%s0 %%' $i; sleep 0.1; done; echo
echo ::group::Install; for i in 1 2 3; do echo "installed package $i"; done; echo ::endgroup::
printf '\\033[1;32mok\\033[0m  42 tests, \\033[33m1 skipped\\033[0m\\n'
echo 'warning: unused import' >&2
for i in $(seq 1 400); do echo "line $i"; done
"""
Job("build", "python:3.12-slim", use_source=False, tasks=[script]).run()
'''
LONG = """
from brignb import Job
long = Job("long", use_source=False, tasks=["echo begun; sleep 600"])
long.run()
"""


@pytest.mark.parametrize("front", ["lab", "notebook"])
def test_shown_once_and_alive(open_notebook, front) -> None:
    """The last line of a cell: one view, with what a person wants to know."""
    book = open_notebook(BUILD, front=front)
    book.ran(0)
    view = book.live(0)
    expect(view).to_have_count(1)
    expect(view.get_by_role("status").first).to_contain_text("succeeded")
    for text in ("build", "exit code 0", "python:3.12-slim", "demo.whl"):
        expect(view).to_contain_text(text)
    expect(view.get_by_role("log")).to_contain_text("compiling")
    expect(view.locator(".row.stderr .mark")).to_have_text("err")
    expect(view.get_by_text("green")).to_have_css("color", re.compile(r"rgb\(17, 99, 41\)|rgb\(63, 185, 80\)"))
    assert book.cell(0).locator(".jp-OutputArea-output").count() == 1


def test_terminal_text(open_notebook) -> None:
    """A progress bar is one line; a group that has ended is folded, and opens."""
    book = open_notebook(RICH)
    book.ran(0)
    view = book.live(0)
    log = view.get_by_role("log")
    expect(view.get_by_role("status").first).to_contain_text("succeeded")
    log.press("Control+Home")
    log.evaluate("log => log.scrollTop = 0")
    expect(log.get_by_text("40 %")).to_have_count(1)
    expect(log.get_by_text("10 %")).to_have_count(0)
    fold = log.get_by_role("button", name="Install")
    expect(fold).to_have_attribute("aria-expanded", "false")
    expect(log.get_by_text("installed package 2")).to_have_count(0)
    fold.press("Enter")
    expect(log.get_by_text("installed package 2")).to_be_visible()
    expect(log.get_by_role("button", name="Install")).to_be_focused()


def test_search_by_keyboard(open_notebook) -> None:
    """`/`, a text, Enter, Enter, Escape; JupyterLab's own shortcuts leave a view's keys alone (`d d` would delete the cell)."""
    book = open_notebook(RICH)
    book.ran(0)
    view = book.live(0)
    log = view.get_by_role("log")
    expect(log).to_contain_text("line 400")
    log.focus()
    log.press("/")
    field = view.get_by_role("searchbox")
    expect(field).to_be_focused()
    book.page.keyboard.type("added line 2", delay=5)
    expect(view.locator(".hits")).to_have_text("0 lines")
    field.fill("line 2")
    expect(view.locator(".hits")).to_have_text("111 lines")
    field.press("Enter")
    expect(view.locator(".hits")).to_have_text("1 of 111 lines")
    expect(log.locator(".row.current")).to_have_text(re.compile("line 2$"))
    field.press("Shift+Enter")
    expect(log.locator(".row.current")).to_have_text(re.compile("line 299$"))
    field.press("Escape")
    expect(log).to_be_focused()
    expect(field).to_have_value("")
    assert book.cell(0).count() == 1


def test_follow_and_pause(open_notebook) -> None:
    """Who scrolls up reads on in peace, and sees that there is more; End goes back to the end."""
    book = open_notebook(LONG.replace("echo begun", "for i in $(seq 1 300); do echo $i; done; sleep 3; echo more"))
    book.ran(0)
    view = book.live(0)
    log = view.get_by_role("log")
    expect(log.get_by_text("300", exact=True).last).to_be_visible()
    log.evaluate("log => log.scrollTop = 100")
    expect(view.get_by_role("button", name="Follow")).to_have_attribute("aria-pressed", "false")
    expect(view.locator(".newer")).to_have_text("↓ 1 new line")
    assert log.evaluate("log => log.scrollTop") == 100
    log.press("End")
    expect(log.get_by_text("more", exact=True)).to_be_visible()
    view.get_by_role("button", name="Cancel").click()


def test_cancel_and_rerun(open_notebook) -> None:
    """The buttons work while the main thread is busy, too, by keyboard; a rerun is seen in the same view, the first one stays reachable."""
    book = open_notebook(LONG, "import time\nfor _ in range(600): time.sleep(0.1)", "long.state, len(long.last.tries)")
    book.ran(0)
    book.run(1)
    view = book.live(0)
    expect(view.get_by_role("log")).to_contain_text("begun")
    view.get_by_role("button", name="Cancel").press("Enter")
    expect(view.get_by_role("status").first).to_contain_text("canceled")
    view.get_by_role("button", name="Rerun").press("Enter")
    expect(view.get_by_role("status").first).to_contain_text("running")
    expect(view.get_by_label("which try").locator("option")).to_have_text(["run 1, try 1", "run 2, try 1"])
    expect(view.get_by_role("log")).to_contain_text("begun")
    view.get_by_role("button", name="Cancel").press("Enter")
    expect(view.get_by_role("status").first).to_contain_text("canceled")
    view.get_by_label("which try").select_option("run 1, try 1")
    expect(view.get_by_role("log")).to_contain_text("begun")
    book.menu("Kernel", "Interrupt Kernel")
    book.done(1)


def test_download_is_what_the_job_wrote(open_notebook) -> None:
    """All of it, as bytes: not what the view has made of it."""
    book = open_notebook(BUILD)
    book.ran(0)
    view = book.live(0)
    expect(view.get_by_role("log")).to_contain_text("compiling")
    with book.page.expect_download() as download:
        view.get_by_role("button", name="Download").click()
    with open(download.value.path(), "rb") as file:  # noqa: PTH123 - Playwright's own path
        text = file.read()
    assert b"compiling\n" in text
    assert b"\x1b[32mgreen\x1b[0m\n" in text


def test_tab_order_and_names(open_notebook) -> None:
    """Each control is reached by Tab and has a name; the log can be scrolled by keys."""
    book = open_notebook(BUILD)
    book.ran(0)
    view = book.live(0)
    view.get_by_role("button", name="Rerun").focus()
    names = []
    for _ in range(10):
        book.page.keyboard.press("Tab")
        names.append(
            view.page.evaluate(
                "() => { const at = document.activeElement.shadowRoot?.activeElement;"
                " return at?.getAttribute('aria-label') ?? at?.textContent }"
            )
        )
    assert names[0] == "1 event"
    assert names[1:] == ["Follow", "Wrap", "Times", "Numbers", "search the log", "↑", "↓", "Copy", "Download"]


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_themes_and_zoom(server, open_notebook, picture, theme) -> None:
    """Looks at home in both themes (the pictures are for people); at 200 % nothing is cut off sideways."""
    server.theme(theme)
    book = open_notebook(RICH, name=f"{theme}.ipynb")
    book.ran(0)
    view = book.live(0)
    expect(view.get_by_role("status").first).to_contain_text("succeeded")
    view.get_by_role("log").evaluate("log => log.scrollTop = 0")
    expect(view).to_have_class(re.compile("dark") if theme == "Dark" else "root")
    picture(view, f"job-{theme.lower()}")
    book.page.set_viewport_size({"width": 640, "height": 450})  # half: what a zoom of 200 % leaves
    assert view.evaluate("view => view.scrollWidth <= view.clientWidth")
    server.theme("Light")
