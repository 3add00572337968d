"""A forked kernel's life and death: nothing of it is left, nobody waits for what does not come."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest
from contract.engines import Seen, code, forked, run

from brignb.model.builds import State


def test_a_kernel_that_is_killed_is_told_as_killed() -> None:
    """Its cell was running; what it had said is kept, and what follows never ran."""
    seen = Seen(on_line=lambda text: os.kill(int(text.split()[1]), signal.SIGKILL) if text.startswith("here") else None)
    ran = run(forked, "x = 1", "import os, time\nprint(f'here {os.getpid()}')\ntime.sleep(60)", "x", seen=seen)
    assert ran.outcome.state is State.FAILED
    assert ran.outcome.reason == "kernel_died"
    assert (ran.outcome.message or "").startswith("cell 2: the kernel ended by SIGKILL")
    assert ran.statuses == ["completed", "killed", "never-run"]
    assert ran.outputs(1)[0][1].startswith("here ")
    assert "killed while this cell ran" in ran.outputs(1)[-1][1]


def test_a_kernel_that_leaves_by_itself_is_told_with_its_exit_code() -> None:
    ran = run(forked, "import os\nos._exit(7)")
    assert ran.outcome.message == "cell 1: the kernel ended with exit code 7"


def test_a_cell_that_hears_no_interrupt_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The build's record is written within the host's patience."""
    monkeypatch.setattr("brignb.engine.protocol.engine.PATIENCE", 0.2)
    source = (
        "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('now\\n', end='')\ntime.sleep(60)"
    )
    seen = Seen(on_line=lambda text: os.kill(os.getpid(), signal.SIGINT) if text == "now" else None)
    ran = run(forked, source, "never", seen=seen)
    assert ran.outcome.state is State.CANCELED
    assert ran.statuses == ["killed", "never-run"]


def test_nothing_is_left_of_a_kernel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No sockets, no files, no child."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = psutil.Process().children(recursive=True)
    run(forked, "1")
    assert list(tmp_path.iterdir()) == []
    assert set(psutil.Process().children(recursive=True)) <= set(before)


def test_widgets_are_stored_as_papermill_stores_them_and_output_widgets_capture() -> None:
    """A viewer shows a record's widgets by `metadata.widgets`."""
    ran = run(
        forked,
        "import ipywidgets as w\nslider = w.IntSlider(value=3)\nslider.value = 5\nslider",
        "out = w.Output()\nwith out:\n    print('inside')\nprint('outside')\nlen(out.outputs)",
    )
    state = ran.record["metadata"]["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    by_name = {model["model_name"]: model["state"] for model in state.values()}
    assert by_name["IntSliderModel"]["value"] == 5
    assert by_name["OutputModel"]["outputs"][0]["text"] == "inside\n"
    view = ran.record["cells"][0]["outputs"][0]["data"]["application/vnd.jupyter.widget-view+json"]
    assert state[view["model_id"]]["model_name"] == "IntSliderModel"
    assert ran.outputs(1)[0] == ("stdout", "outside\n")


def test_parameters_are_values() -> None:
    ran = run(forked, code("a = 1", "parameters"), "a", parameters={"a": {"deep": [None, "$(x)"]}})
    assert ran.outputs(2) == [("result", "{'deep': [None, '$(x)']}")]


@pytest.mark.slow
def test_a_flood_that_nobody_can_keep_waits_for_its_reader() -> None:
    """Cut honestly; what the cut holds back is counted to the byte."""
    spilled: list[str] = []
    ran = run(
        forked,
        "line = 'x' * 999\nfor n in range(20_000): print(line)",
        cell_bytes=1000,
        spill=lambda _cell, text: spilled.append(text) or "cell.txt",
    )
    assert ran.outputs(0)[1] == ("stdout", "\n[brignb: cut, 19999000 bytes, rest in cell.txt]\n")
    assert sum(map(len, spilled)) == 19_999_000
