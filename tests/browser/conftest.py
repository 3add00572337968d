"""JupyterLab, Notebook and Chromium, started once for all tests; each test has a page and a kernel of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="playwright is not installed (requirements/dev.txt)")

from browser.jupyter import ROOT, Opened, Server, chromium, program
from nbformat import NotebookNode
from playwright.sync_api import sync_playwright

IMAGES = ROOT / "docs" / "img"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.slow)


def _missing(what: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}, and CI must not skip it")
    pytest.skip(what)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory):
    jupyter = program()
    if jupyter is None:
        _missing("no JupyterLab and Notebook: `make browser`, or $BRIGNB_JUPYTER")
    made = Server(tmp_path_factory.mktemp("jupyter"), jupyter)
    yield made
    made.stop()


@pytest.fixture(scope="session")
def browser():
    path = chromium()
    if path is None:
        _missing("no chromium on PATH, and no $BRIGNB_CHROMIUM")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        made = playwright.chromium.launch(executable_path=path, args=arguments)
        yield made
        made.close()


@pytest.fixture
def context(browser):
    made = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    yield made
    made.close()


@pytest.fixture
def open_notebook(server, context, request):
    """Write a notebook of these cells and open it; its kernel ends with the test. What the page complains of fails the test."""
    opened: list[Opened] = []

    def opening(*cells: str | NotebookNode, front: str = "lab", name: str = "") -> Opened:
        name = name or f"{request.node.name.replace('[', '-').replace(']', '')}.ipynb"
        server.write(name, *cells)
        opened.append(Opened(server, context, name, front))
        return opened[-1]

    yield opening
    for session in server.ask("sessions"):
        server.ask(f"sessions/{session['id']}", "DELETE")
    assert [problem for each in opened for problem in each.problems] == []


@pytest.fixture
def picture(context):
    """Take a picture for the documents, when asked for by BRIGNB_SCREENSHOTS=1 (else nothing that is committed changes)."""

    def take(locator, name: str) -> None:
        if os.environ.get("BRIGNB_SCREENSHOTS") == "1":
            IMAGES.mkdir(exist_ok=True)
            locator.screenshot(path=IMAGES / f"{name}.png", animations="disabled")

    return take
