"""User code that ends its process: the journal has what was seen, and the record says `killed`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from brignb.engine.journal import decode, fold
from brignb.model.builds import Outcome, State

WORKER = """
import json, os, sys
from brignb.engine.core import ShellEngine
from brignb.engine.journal import encode
from brignb.engine.seam import Plan

class Journal:
    def __init__(self, path):
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    def entry(self, entry):
        os.write(self.fd, encode(entry))
    def lines(self, stream, text, *, partial):
        pass

notebook, journal = sys.argv[1:]
print(ShellEngine().run(json.loads(notebook), Plan(), Journal(journal)).state)
"""


def crash(tmp_path: Path, *cells: str) -> tuple[int, dict[str, object], list[str]]:
    nodes = [
        {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None, "id": f"c{n}"}
        for n, source in enumerate(cells)
    ]
    made = {"cells": nodes, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    journal = tmp_path / "journal"
    command = [sys.executable, "-c", WORKER, json.dumps(made), str(journal)]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False, cwd=tmp_path)
    record = fold(made, decode(journal.read_bytes()), ended=Outcome(state=State.LOST, reason="worker_died"))
    shown = ["".join(output.get("text", "") for output in cell["outputs"]) for cell in record["cells"]]
    assert [cell["metadata"]["brignb"]["status"] for cell in record["cells"]] == ["completed", "killed", "never-run"]
    return done.returncode, record, shown


NOTE = "[brignb: killed while this cell ran: lost, worker_died]\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("import os\nprint('last words')\nos._exit(3)", 3),
        (
            "import os, threading\nprint('last words')\nthreading.Thread(target=os._exit, args=(3,)).start()\nwhile True: pass",
            3,
        ),
        ("import os, time\nprint('last words')\ntime.sleep(0.3)\nos.kill(os.getpid(), 9)", -9),
        ("import os\nprint('last words', flush=True)\nos.kill(os.getpid(), 9)", -9),
        ("import ctypes, time\nprint('last words')\ntime.sleep(0.3)\nctypes.string_at(0)", -11),
        ("import os, time\nos.system('echo last words')\ntime.sleep(0.3)\nos.abort()", -6),
    ],
)
def test_last_words_are_kept(tmp_path: Path, source: str, status: int) -> None:
    """What was written up to the end is in the record; by `os._exit`, to the last character."""
    code, _, shown = crash(tmp_path, "print('before')", source, "print('after')")
    assert code == status
    assert shown == ["before\n", f"last words\n{NOTE}", ""]


@pytest.mark.slow
def test_a_cell_that_dies_at_once_was_running(tmp_path: Path) -> None:
    """The journal knows of a cell before the cell can end the process."""
    code, _, shown = crash(tmp_path, "x = 1", "import os; os.kill(os.getpid(), 9)", "x")
    assert code == -9
    assert shown == ["", NOTE, ""]
