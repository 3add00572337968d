"""Widgets in the engine core: nobody sees them live, the record shows them as they were in the end."""

from __future__ import annotations

from typing import Any

import comm
import pytest
from contract.engines import Ran, code, direct, run

from brignb.engine.widgets import MIME
from brignb.model.redaction import Redactor

SECRET = "hunter2hunter2"
OUTPUT = "import ipywidgets as w\nout = w.Output()\n"


def models(ran: Ran) -> list[dict[str, Any]]:
    return list(ran.record["metadata"]["widgets"][MIME]["state"].values())


def captured(ran: Ran) -> list[dict[str, Any]]:
    return next(model["state"]["outputs"] for model in models(ran) if model["model_name"] == "OutputModel")


def test_the_last_state_is_in_the_record() -> None:
    ran = run(direct, "import ipywidgets as w\nslider = w.IntSlider(value=3)\nslider", "slider.value = 7")
    (slider,) = (model for model in models(ran) if model["model_name"] == "IntSliderModel")
    assert slider["state"]["value"] == 7
    shown = ran.record["cells"][0]["outputs"][0]["data"]["application/vnd.jupyter.widget-view+json"]["model_id"]
    assert shown in ran.record["metadata"]["widgets"][MIME]["state"]


def test_what_an_output_widget_captures_is_not_the_cells() -> None:
    """In order, over cells, and back to user code by the next cell, as from a front end."""
    ran = run(
        direct,
        OUTPUT + "with out:\n    print('in'); display(1)\nprint('beside')",
        "with out: print('more')",
        "len(out.outputs)",
    )
    assert ran.outputs(0) == [("stdout", "beside\n")]
    assert ran.outputs(1) == []
    assert ran.outputs(2) == [("result", "3")]
    assert [output.get("text", "") for output in captured(ran)] == ["in\n", "", "more\n"]


def test_an_output_widget_that_is_left_open_ends_with_its_cell() -> None:
    """Otherwise the rest of the record would be empty."""
    ran = run(direct, OUTPUT + "n = out.__enter__()\nprint('in')", "print('out')")
    assert ran.outputs(1) == [("stdout", "out\n")]


def test_an_error_in_a_widget_is_the_widgets() -> None:
    """The cell goes on, and a later error of its own is shown."""
    ran = run(direct, OUTPUT + "with out: 1 / 0\nprint('on')\n{}['k']")
    assert ran.outputs(0) == [("stdout", "on\n"), ("error", "KeyError")]
    assert [output["ename"] for output in captured(ran)] == ["ZeroDivisionError"]
    assert ran.statuses == ["failed"]


def test_no_secret_is_in_a_widgets_state() -> None:
    ran = run(
        direct, OUTPUT + f"t = w.Text(value='{SECRET}')\nwith out: print('{SECRET}')", redactor=Redactor([SECRET])
    )
    states = [entry for entry in ran.seen.entries if entry["op"] == "widgets"]
    assert len(states) == 1
    assert SECRET not in str(states)


def test_captured_text_counts_against_the_caps() -> None:
    """A widget is no way around them."""
    spilled: list[str] = []
    ran = run(
        direct,
        OUTPUT + "with out: print('x' * 999)",
        cell_bytes=100,
        spill=lambda _cell, text: spilled.append(text) or "f",
    )
    assert len(captured(ran)[0]["text"]) == 100
    assert "".join(spilled) == "x" * 899 + "\n"
    assert ran.outputs(0) == [("stdout", "\n[brignb: cut, 900 bytes, rest in f]\n")]


def test_a_state_that_is_too_large_is_told_and_not_kept() -> None:
    ran = run(direct, "import ipywidgets as w\nt = w.Textarea(value='x' * 9000)", run_bytes=5000)
    assert "widgets" not in ran.record["metadata"]
    assert ran.record["metadata"]["brignb"]["widgets"].startswith("[brignb: cut, ")


def test_the_library_gets_its_comms_back() -> None:
    before = comm.create_comm
    run(direct, "import comm\nc = comm.create_comm(target_name='mine')\nc.send({'a': 1})")
    assert comm.create_comm is before


@pytest.mark.parametrize(
    "source", ["get_ipython().kernel.get_parent()['header']['msg_id']", "get_ipython().kernel.comm_manager.comms"]
)
def test_a_library_finds_a_kernel(source: str) -> None:
    """As far as libraries look."""
    ran = run(direct, code(source))
    assert ran.statuses == ["completed"]
