"""Where a view lands: under the cell that started it, from wherever in that cell it was started."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

START = "import asyncio, threading\nfrom brignb import Group, Job\n\ndef job(name, *tasks):\n    return Job(name, tasks=tasks or ['true'], use_source=False)\n"


@pytest.mark.parametrize(
    "cell",
    [
        "job('x').run().wait()",
        "await job('x').run()",
        "async def main():\n    await asyncio.gather(job('x').run())\n\nawait main()",
        "def work():\n    job('x').run().wait()\n\nthread = threading.Thread(target=work); thread.start(); thread.join()",
        "asyncio.get_running_loop().call_later(1, lambda: job('x').run());",
        "async def later():\n    await asyncio.sleep(1)\n    job('x').run()\n\ntask = asyncio.create_task(later())",
        "def slow():\n    import time; time.sleep(1)\n    job('x').run()\n\nthreading.Thread(target=slow).start()",
    ],
    ids=["sync", "await", "coroutine", "thread", "call_later", "task", "late-thread"],
)
def test_under_its_cell(open_notebook, cell) -> None:
    """Once, and also when the cell has ended and another one runs."""
    book = open_notebook(START, cell, "import time; time.sleep(2)", "1 + 1")
    for number in range(4):
        book.ran(number)
    expect(book.live(1)).to_have_count(1)
    expect(book.live(1).get_by_role("status").first).to_contain_text("succeeded")
    assert [book.live(number).count() for number in (0, 2, 3)] == [0, 0, 0]


def test_from_a_widgets_callback(open_notebook) -> None:
    """A button in a cell: its callback belongs to no cell, so the cell whose code it is takes the view."""
    button = "import ipywidgets\nbutton = ipywidgets.Button(description='Go')\nbutton.on_click(lambda _: job('x').run())\nbutton"
    book = open_notebook(START, button, "1 + 1")
    for number in range(3):
        book.ran(number)
    book.cell(1).get_by_role("button", name="Go").click()
    expect(book.live(1).get_by_role("status").first).to_contain_text("succeeded")
    assert book.live(2).count() == 0


def test_shown_again_elsewhere(open_notebook) -> None:
    """In its own cell nothing more, in another one it is a second view: the same log, which comes once, and the same buttons."""
    book = open_notebook(START + "x = job('x', 'echo hello; sleep 600')\nx.run()\nx", "x", "x.last")
    for number in range(3):
        book.ran(number)
    for number in range(3):
        expect(book.live(number)).to_have_count(1)
        expect(book.live(number).get_by_role("log")).to_contain_text("hello")
    book.live(2).get_by_role("button", name="Cancel").click()
    for number in range(3):
        expect(book.live(number).get_by_role("status").first).to_contain_text("canceled")


@pytest.mark.parametrize("cell", ["x.run().wait()", "await x.run()"])
def test_interrupt_cancels_what_the_cell_waits_for(open_notebook, cell) -> None:
    """While it waits its view is alive, though the main thread is not."""
    book = open_notebook(START + "x = job('x', 'echo hello', 'sleep 600')", cell)
    book.ran(0)
    book.run(1)
    view = book.live(1)
    expect(view.get_by_role("log")).to_contain_text("hello")
    book.menu("Kernel", "Interrupt Kernel")
    book.done(1)
    expect(view.get_by_role("status").first).to_contain_text("canceled")
    expect(book.cell(1)).to_contain_text(re.compile("KeyboardInterrupt|CancelledError"))
