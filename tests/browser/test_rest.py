"""A view without its kernel: restarted, shut down, saved, exported. And with it again, after the page was loaded anew."""

from __future__ import annotations

import subprocess
import sys

import nbformat
from playwright.sync_api import expect

CELL = """
from brignb import Job
Job("build", "alpine", tasks=[r"printf '\\033[31mred\\033[0m\\n'; echo plain", "exit 3"], use_source=False).run()
"""
STATIC = ".brignb-view > details"


def ended(book) -> None:
    book.ran(0)
    expect(book.live(0).get_by_role("status").first).to_contain_text("failed")


def test_restart_shows_the_static_state(open_notebook) -> None:
    """No dead buttons, no "model not found": what a saved notebook shows."""
    book = open_notebook(CELL)
    ended(book)
    book.menu("Kernel", "Restart Kernel…")
    book.page.get_by_role("button", name="Confirm Kernel Restart").click()
    expect(book.live(0)).to_have_count(0)
    expect(book.cell(0).locator(STATIC)).to_be_visible()
    expect(book.cell(0).locator(STATIC)).to_contain_text("exit code 3")
    book.ready()
    book.ran(0)
    expect(book.live(0).get_by_role("status").first).to_contain_text("failed")


def test_shutdown_and_death(open_notebook) -> None:
    """A kernel that is killed comes back as another one: the view rests, and the next one lives."""
    book = open_notebook("import os, signal\n" + CELL, "os.kill(os.getpid(), signal.SIGKILL)")
    ended(book)
    book.run(1)
    expect(book.live(0)).to_have_count(0)
    expect(book.cell(0).locator(STATIC)).to_be_visible()


def test_reload_brings_it_back(open_notebook) -> None:
    """The kernel lives on: the same view, with its whole log, in a page that knows nothing."""
    book = open_notebook(CELL)
    ended(book)
    book.save()
    book.page.reload()
    book.ready()
    expect(book.live(0).get_by_role("log")).to_contain_text("plain")
    expect(book.live(0).get_by_role("button", name="Rerun")).to_be_visible()


def test_two_windows(server, context, open_notebook) -> None:
    """Both show it, and one that looks away takes nothing from the other."""
    from browser.jupyter import Opened

    book = open_notebook(CELL.replace("exit 3", "for i in $(seq 1 60); do echo $i; sleep 0.1; done"), name="two.ipynb")
    book.ran(0)
    book.save()
    other = Opened(server, context, "two.ipynb")
    expect(other.live(0).get_by_role("log")).to_contain_text("30")
    other.page.close()
    expect(book.live(0).get_by_role("status").first).to_contain_text("succeeded")
    book.live(0).get_by_role("log").press("End")
    expect(book.live(0).get_by_role("log")).to_contain_text("60")


def test_saved_and_exported(server, browser, open_notebook, tmp_path) -> None:
    """GitHub and nbconvert get HTML and text: the notebook holds no widget, the page needs no script."""
    book = open_notebook(CELL, name="saved.ipynb")
    ended(book)
    book.save()
    path = server.notebooks / "saved.ipynb"
    saved = nbformat.read(path, 4)
    (output,) = saved.cells[0].outputs
    assert sorted(output["data"]) == ["text/html", "text/plain"]
    assert "widgets" not in saved.metadata
    argv = [sys.executable, "-m", "nbconvert", "--to", "html", "--output-dir", str(tmp_path), str(path)]
    subprocess.run(argv, check=True, capture_output=True)
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto((tmp_path / "saved.html").as_uri())
    expect(page.locator(STATIC)).to_be_visible()
    expect(page.get_by_text("red", exact=True)).to_have_css("color", "rgb(207, 34, 46)")
    page.context.close()
