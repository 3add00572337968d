"""The magics in a real kernel: what a front end asks of it and sees of it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

from brignb.testing import LocalServer, payloads

pytestmark = pytest.mark.slow

SECONDS = 60
CELL = "tag: str = '1.0'  # from: event.data.tag\ncount: int = 3"
HANDLERS = """\
%load_ext brignb
from brignb import events, Job, project
@events.on("push")
async def push(event):
    print("handling", tag, count, event.data, flush=True)
    await Job("build", tasks=["echo go; sleep 0.5"], use_source=False).run()
@events.on("hang")
async def hang():
    print("hanging", flush=True)
    await Job("long", tasks=["sleep 600"], use_source=False).run()
"""


class Kernel:
    """A kernel, and what a front end does with it."""

    def __init__(self, manager: KernelManager) -> None:
        self._manager = manager
        self.client = manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=SECONDS)

    def begin(self, cell: str) -> str:
        return str(self.client.execute(cell, allow_stdin=False))

    def until(self, wanted: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
        """What is told on iopub, up to what is wanted."""
        seen, end = [], time.monotonic() + SECONDS
        while True:
            message = self.client.get_iopub_msg(timeout=max(end - time.monotonic(), 0.01))
            seen.append(message)
            if wanted(message):
                return seen

    def run(self, cell: str) -> list[dict[str, Any]]:
        sent = self.begin(cell)
        seen = self.until(lambda m: idle(m) and m["parent_header"]["msg_id"] == sent)
        return [m for m in seen if m["parent_header"].get("msg_id") == sent]

    def click(self, widget: str) -> str:
        return self.tell(widget, {"method": "custom", "content": {"event": "click"}})

    def tell(self, widget: str, data: dict[str, Any]) -> str:
        """A message of a widget in the page."""
        message = self.client.session.msg("comm_msg", {"comm_id": widget, "data": data})
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def interrupt(self) -> None:
        self._manager.interrupt_kernel()

    def close(self) -> None:
        self.client.stop_channels()
        self._manager.shutdown_kernel(now=True)


def idle(message: dict[str, Any]) -> bool:
    return message["msg_type"] == "status" and message["content"]["execution_state"] == "idle"


def texts(messages: list[dict[str, Any]]) -> str:
    return "".join(m["content"]["text"] for m in messages if m["msg_type"] == "stream")


def errors(messages: list[dict[str, Any]]) -> list[str]:
    return [m["content"]["ename"] for m in messages if m["msg_type"] == "error"]


def widgets(messages: list[dict[str, Any]]) -> dict[str, str]:
    """The buttons of a display, by their words."""
    opened = [m["content"] for m in messages if m["msg_type"] == "comm_open"]
    return {each["data"]["state"].get("description", ""): each["comm_id"] for each in opened}


@contextmanager
def started(folder: Path, **environment: str) -> Iterator[Kernel]:
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(folder), env={**os.environ, "BRIGNB_HOME": str(folder / "home"), **environment})
    kernel = Kernel(manager)
    try:
        yield kernel
    finally:
        kernel.close()


@pytest.fixture(scope="module")
def kernel(tmp_path_factory) -> Iterator[Kernel]:
    folder = tmp_path_factory.mktemp("author")
    cell = {"cell_type": "code", "source": CELL, "metadata": {"tags": ["parameters"]}}
    (folder / "pipeline.ipynb").write_text(
        json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    )
    with started(folder, JPY_SESSION_NAME=str(folder / "pipeline.ipynb")) as kernel:
        assert errors(kernel.run(CELL)) == []
        assert errors(kernel.run(HANDLERS)) == []
        yield kernel


def test_completion(kernel) -> None:
    """What Tab asks."""
    for code, found in (("%brig fi", "fire"), ("%brig fire pu", "push"), ("%%job x --ti", "--timeout")):
        reply = kernel.client.complete(code, reply=True, timeout=SECONDS)["content"]
        assert found in [each.lstrip("%") for each in reply["matches"]]


def test_fire_ends_while_widgets_speak(kernel) -> None:
    """Each message of a widget is a task of the kernel's loop, which waits for the cell: nobody may wait for it in turn."""
    buttons = widgets(kernel.run("import ipywidgets\nb = ipywidgets.Button(description='beside')\nb"))
    sent = kernel.begin("%brig fire push")
    kernel.until(lambda m: "handling" in m["content"].get("text", ""))
    kernel.click(buttons["beside"])
    seen = kernel.until(lambda m: idle(m) and m["parent_header"]["msg_id"] == sent)
    assert "push answered push: ✓ succeeded" in texts(seen)


def test_a_click_on_the_form_prints_under_the_forms_cell(kernel) -> None:
    """What a click prints would go to a log that nobody looks at."""
    shown = kernel.run("%brig form push")
    cell = shown[0]["parent_header"]["msg_id"]
    data = [m["content"]["data"] for m in shown if m["msg_type"] == "display_data"]
    assert "<table" in data[0]["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in data[1]
    kernel.click(widgets(shown)["Fire"])
    seen = kernel.until(lambda m: "succeeded" in json.dumps(m["content"].get("data", {}), default=str))
    under = [m for m in seen if m["parent_header"].get("msg_id") == cell]
    assert "handling 1.0 3 {'tag': '1.0'}" in texts(under)


def test_interrupt_cancels_what_fire_waits_for(kernel) -> None:
    """The job ends with it; the next cell runs."""
    sent = kernel.begin("%brig fire hang")
    kernel.until(lambda m: "hanging" in m["content"].get("text", ""))
    kernel.interrupt()
    seen = kernel.until(lambda m: idle(m) and m["parent_header"]["msg_id"] == sent)
    assert errors(seen)
    assert "⊘ canceled" in texts(kernel.run("print(events._repr_mimebundle_()['text/plain'])"))


def test_stop_cancels_what_the_form_fired(kernel) -> None:
    """A kernel that is idle does not hear an interrupt."""
    buttons = widgets(kernel.run("%brig form hang"))
    kernel.click(buttons["Fire"])
    kernel.until(lambda m: "hanging" in m["content"].get("text", ""))
    kernel.click(buttons["Stop"])
    kernel.until(lambda m: "stopped" in json.dumps(m["content"].get("data", {}), default=str))


def test_job_cell_does_not_block(kernel) -> None:
    """Nor does one that waits for another; `--wait` does."""
    kernel.run("%%job first --no-source\nsleep 0.5; echo one")
    seen = kernel.run("%%job second --no-source --needs first\necho two\n")
    assert errors(seen) == []
    assert "None" in texts(kernel.run("print(second.last)"))
    kernel.run("%%job third --no-source --needs second --wait\ntrue")
    assert texts(kernel.run("print(first.logs + second.logs)")).split() == ["one", "two"]


def test_scratch_awaits(kernel) -> None:
    """An ordinary cell in every respect."""
    seen = kernel.run("%%scratch\nimport asyncio\nawait asyncio.sleep(0)\n41 + 1")
    assert [m["content"]["data"]["text/plain"] for m in seen if m["msg_type"] == "execute_result"] == ["42"]


def test_events_know_their_cells(kernel) -> None:
    """`In[2]` is where an author looks."""
    seen = kernel.run("events")
    shown = next(m["content"]["data"] for m in seen if m["msg_type"] == "execute_result")
    assert "push(event)  In[2]" in shown["text/plain"]
    assert "async def push(event)" in shown["text/html"]


def test_errors_are_one_line_on_stderr(kernel) -> None:
    """And the cell has failed, so that a run of all cells stops."""
    sent = kernel.begin("%brig fier push")
    seen = kernel.until(lambda m: idle(m) and m["parent_header"]["msg_id"] == sent)
    assert "did you mean fire?" in texts(seen)
    reply = kernel.client.get_shell_msg(timeout=SECONDS)
    while reply["parent_header"]["msg_id"] != sent:
        reply = kernel.client.get_shell_msg(timeout=SECONDS)
    assert reply["content"]["status"] == "error"


def test_check_and_export_find_this_notebook(kernel) -> None:
    """Jupyter tells the kernel for which notebook it was started."""
    seen = kernel.run("%brig check")
    shown = next(m["content"]["data"] for m in seen if m["msg_type"] == "execute_result")
    assert "pipeline.ipynb" in shown["text/plain"]


@pytest.fixture
def server() -> Iterator[LocalServer]:
    made = LocalServer()
    yield made
    made.close()


def test_listen_and_debug(server, tmp_path) -> None:
    """Real events under the cell that listens, until Interrupt; a build that failed in a worker is debugged here."""
    notebook = {
        "cells": [
            {"cell_type": "code", "id": "a", "source": "1 / 0", "metadata": {}, "outputs": [], "execution_count": None}
        ],
        "metadata": {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    server.create({"project": "owner/repo", "sharedSecret": "a-shared-secret", "defaultNotebook": json.dumps(notebook)})
    webhook = payloads.delivery("push", project="owner/repo", secret="a-shared-secret")
    build = server.ended(server.send(webhook)["build"])
    assert build["state"] == "failed"
    with started(tmp_path, BRIGNB_HOME=str(server.home)) as kernel:
        kernel.run("tag = count = 1\n" + HANDLERS)
        shown = kernel.run(f"%brig debug {build['id']}")
        html = next(m["content"]["data"]["text/html"] for m in shown if m["msg_type"] == "execute_result")
        assert f'<a href="brignb-debug-{build["id"]}/' in html
        assert list((tmp_path / f"brignb-debug-{build['id']}").glob("*.ipynb"))
        sent = kernel.begin("%brig listen -P owner/repo")
        kernel.until(lambda m: "listening: " in m["content"].get("text", ""))
        server.send(payloads.delivery("push", {"after": "f" * 40}, project="owner/repo", secret="a-shared-secret"))
        kernel.until(lambda m: "succeeded" in m["content"].get("text", ""))
        kernel.interrupt()
        seen = kernel.until(lambda m: idle(m) and m["parent_header"]["msg_id"] == sent)
        assert "listening ended: 1 event, 1 succeeded" in texts(seen)
        assert errors(seen) == []
