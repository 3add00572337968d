"""A real Jupyter server with folders of its own, whose kernels run in this Python; and a notebook of it in a real browser.

The server comes from `$BRIGNB_JUPYTER` (a program), else from `.venv/jupyter` (`make browser`), else from PATH. It is an environment of
its own, as with many users: JupyterLab's dependencies would make every other test slower.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import BrowserContext, Locator, Page, expect

ROOT = Path(__file__).parents[2]
TOKEN = "browser-tests"
PATIENCE = 20_000
"""Milliseconds; a machine may be busy."""
LIVE = ".brignb-view .root"
"""A view that is alive (Playwright looks into open shadow roots)."""

KERNEL_IS_KNOWN = """async () => {
  const session = window.jupyterapp?.shell.currentWidget?.sessionContext;
  if (!session) return false;
  await session.ready;
  await session.session?.kernel?.info;
  return session.session?.kernel?.connectionStatus === "connected";
}"""
"""Before that, JupyterLab drops what it is asked to run."""


def program() -> str | None:
    """The `jupyter` to start; None when there is none with JupyterLab and Notebook."""
    own = ROOT / ".venv" / "jupyter" / "bin" / "jupyter"
    found = os.environ.get("BRIGNB_JUPYTER") or (str(own) if own.exists() else shutil.which("jupyter"))
    if found is None:
        return None
    there = all((Path(found).parent / f"jupyter-{what}").exists() for what in ("lab", "notebook"))
    return found if there else None


def chromium() -> str | None:
    """The browser; Playwright's own is never downloaded."""
    return os.environ.get("BRIGNB_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


class Server:
    """A Jupyter server.

    Args:
        folder: An empty folder, for all that it reads and writes.
        jupyter: The program.
    """

    def __init__(self, folder: Path, jupyter: str) -> None:
        self.notebooks = folder / "notebooks"
        self.notebooks.mkdir()
        self._kernelspec(folder / "data")
        self._settings = folder / "settings" / "@jupyterlab" / "apputils-extension"
        self._settings.mkdir(parents=True)
        (self._settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
        folders = {name: str(folder / name.lower()) for name in ("CONFIG", "RUNTIME")}
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")},
            **{f"JUPYTER_{name}_DIR": value for name, value in folders.items()},
            "JUPYTER_DATA_DIR": str(folder / "data"),
            "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
            "IPYTHONDIR": str(folder / "ipython"),
            "HOME": str(folder),
        }
        argv = [jupyter, "lab", "--no-browser", "--allow-root", "--port=0", f"--IdentityProvider.token={TOKEN}"]
        argv += [
            f"--ServerApp.root_dir={self.notebooks}",
            "--LabApp.expose_app_in_browser=True",
            "--JupyterNotebookApp.expose_app_in_browser=True",
        ]
        argv += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
        argv += ["--ServerApp.jpserver_extensions={'notebook': True, 'jupyterlab': True}"]
        self._process = subprocess.Popen(
            argv, cwd=self.notebooks, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._said: list[str] = []
        self.address = self._listening()
        self._reader = threading.Thread(target=self._said.extend, args=(self._process.stdout,))
        self._reader.start()

    def stop(self) -> None:
        """End it, with its kernels."""
        self._process.terminate()
        self._process.wait(30)
        self._reader.join()
        self._process.stdout.close()

    def theme(self, name: str) -> None:
        """`Dark` or `Light`, for pages that are opened from now on."""
        (self._settings / "themes.jupyterlab-settings").write_text(json.dumps({"theme": f"JupyterLab {name}"}))

    def write(self, name: str, *cells: str | nbformat.NotebookNode) -> None:
        """A notebook of code cells; one that is no text is a cell already, with tags."""
        metadata = {"kernelspec": {"name": "here", "display_name": "here", "language": "python"}}
        nodes = [nbformat.v4.new_code_cell(each) if isinstance(each, str) else each for each in cells]
        made = nbformat.v4.new_notebook(metadata=metadata, cells=nodes)
        nbformat.write(made, self.notebooks / name)

    def ask(self, path: str, method: str = "GET") -> Any:
        """Its REST API."""
        headers = {"Authorization": f"token {TOKEN}"}
        request = urllib.request.Request(f"{self.address}api/{path}", method=method, headers=headers)
        with urllib.request.urlopen(request) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def _kernelspec(self, data: Path) -> None:
        folder = data / "kernels" / "here"
        folder.mkdir(parents=True)
        argv = [sys.executable, "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        env = {"HOME": os.environ.get("HOME", "/"), "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
        spec = {"argv": argv, "display_name": "here", "language": "python", "env": env, "metadata": {"debugger": False}}
        (folder / "kernel.json").write_text(json.dumps(spec))

    def _listening(self) -> str:
        """Its address, once it says so."""
        for line in self._process.stdout:
            self._said.append(line)
            if found := re.search(r"(http://127\.0\.0\.1:\d+/)", line):
                return found[1]
        raise RuntimeError("".join(self._said))


class Opened:
    """A notebook in the browser, its kernel idle.

    Args:
        server: Where it is.
        context: The browser's.
        name: Of the notebook.
        front: `lab` or `notebook`.
    """

    def __init__(self, server: Server, context: BrowserContext, name: str, front: str = "lab") -> None:
        expect.set_options(timeout=PATIENCE)
        self.page: Page = context.new_page()
        self.problems: list[str] = []
        self.page.on("pageerror", self._failed)
        self.page.on("console", lambda said: self._console(said.type, said.text))
        self.page.set_default_timeout(PATIENCE)
        path = f"lab/workspaces/{uuid.uuid4().hex}/tree/{name}" if front == "lab" else f"notebooks/{name}"
        self.page.goto(f"{server.address}{path}?token={TOKEN}")
        self.ready()

    def ready(self) -> None:
        """Wait until cells can be run."""
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        self.page.wait_for_function(KERNEL_IS_KNOWN)
        self.idle()

    def idle(self) -> None:
        """Wait until the kernel runs nothing."""
        self.page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]")

    def cell(self, number: int) -> Locator:
        """From 0."""
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(number)

    def live(self, number: int) -> Locator:
        """The live view under a cell."""
        return self.cell(number).locator(LIVE)

    def run(self, number: int) -> None:
        """Run a cell; does not wait for it."""
        self.cell(number).locator(".jp-InputArea-editor").click()
        self.page.keyboard.press("Control+Enter")

    def ran(self, number: int) -> None:
        """Run a cell, wait for its end."""
        self.run(number)
        self.done(number)

    def done(self, number: int) -> None:
        """Wait for a cell's end: its prompt has a number."""
        expect(self.cell(number).locator(".jp-InputArea-prompt")).to_have_text(re.compile(r"\[\d+\]"), timeout=PATIENCE)

    def menu(self, *path: str) -> None:
        """Choose from the menus."""
        self.page.get_by_role("menuitem", name=path[0], exact=True).click()
        self.page.get_by_role("menuitem", name=path[1]).first.click()

    def save(self) -> None:
        """Save it."""
        with self.page.expect_response(lambda answer: answer.request.method == "PUT"):
            self.page.keyboard.press("Control+s")

    def _failed(self, error: Any) -> None:
        """Of ours: an ES module that anywidget has loaded; JupyterLab has problems of its own."""
        if "blob:" in (error.stack or ""):
            self.problems.append(f"{error} {error.stack}")

    def _console(self, kind: str, text: str) -> None:
        if kind == "error" and "brignb" in text:
            self.problems.append(text)


Open = Callable[..., Opened]
