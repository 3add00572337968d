"""What is too much for a record is cut with the contract's mark and lies beside it: the same by `brignb run` and by papermill."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

MARK = re.compile(r"\n\[brignb: cut, (\d+) bytes, rest in ([^\]]+)\]\n")
CELL, DISPLAYS, RUN = 4 * 1024 * 1024, 1000, 64 * 1024 * 1024
"""The caps of a plan that says nothing."""


def written(folder: Path, *sources: str) -> Path:
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = folder / "in.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path


def by_run(folder: Path, source: Path) -> Path:
    command = [sys.executable, "-m", "brignb", "run", str(source), "--record", str(folder / "out.ipynb")]
    return executed(command, folder)


def by_papermill(folder: Path, source: Path) -> Path:
    return executed(
        [sys.executable, "-m", "papermill", "--engine", "brignb", str(source), str(folder / "out.ipynb")], folder
    )


def executed(command: list[str], folder: Path) -> Path:
    environment = {**os.environ, "BRIGNB_HOME": str(folder / "home")}
    with (folder / "log").open("wb") as log:
        subprocess.run(command, cwd=folder, stdout=log, stderr=log, env=environment, timeout=120, check=True)
    return folder / "out.ipynb"


Execute = Callable[[Path, Path], Path]


@pytest.fixture(params=[by_run, by_papermill])
def execute(request: pytest.FixtureRequest) -> Execute:
    return request.param


def outputs(record: Path) -> list[list[dict[str, Any]]]:
    notebook = json.loads(record.read_text())
    nbformat.validate(notebook)
    return [[{**o, "text": "".join(o.get("text", ""))} for o in cell["outputs"]] for cell in notebook["cells"]]


def spilled(record: Path, output: dict[str, Any]) -> tuple[int, str]:
    """How much a mark says, and what lies where it says."""
    found = MARK.fullmatch(output["text"])
    assert found, output["text"][:200]
    return int(found[1]), (record.parent / found[2]).read_text()


@pytest.mark.slow
def test_bytes_and_displays_of_a_cell(execute: Execute, tmp_path: Path) -> None:
    """Kept and spilled are together what was written; later cells are whole."""
    source = written(
        tmp_path,
        "for n in range(500_000): print('%011d' % n)",
        f"for n in range({DISPLAYS + 50}): display({{'text/plain': str(n)}}, raw=True)",
        "print('a small one')",
    )
    record = execute(tmp_path, source)
    loud, many, small = outputs(record)
    size, rest = spilled(record, loud[1])
    assert len(loud[0]["text"]) == CELL
    assert loud[0]["text"] + rest == "".join(f"{n:011d}\n" for n in range(500_000))
    assert size == len(rest) == 6_000_000 - CELL
    size, rest = spilled(record, many[-1])
    assert [output["output_type"] for output in many] == ["display_data"] * DISPLAYS + ["stream"]
    kept = [json.loads(line)["data"]["text/plain"] for line in rest.splitlines()]
    assert kept == [str(n) for n in range(DISPLAYS, DISPLAYS + 50)]
    assert size == len(rest)
    assert [output["text"] for output in small] == ["a small one\n"]


@pytest.mark.slow
def test_bytes_of_a_run(execute: Execute, tmp_path: Path) -> None:
    """No cell is too large, all together are: the last ones lie beside the record, and it says where."""
    record = execute(tmp_path, written(tmp_path, *[f"print('x' * {CELL - 1})"] * 18))
    cells = outputs(record)
    assert [len(cell) for cell in cells[:16]] == [1] * 16
    assert sum(len(cell[0]["text"]) for cell in cells[:16]) == RUN
    for cell in cells[16:]:
        size, rest = spilled(record, cell[-1])
        assert (size, len(cell), len(rest)) == (CELL, 1, CELL)


@pytest.mark.slow
def test_what_a_notebook_prints_is_no_mark(tmp_path: Path) -> None:
    """User code that prints a mark has printed a text; it stays as it is."""
    lie = "[brignb: cut, 7 bytes, rest in spill/cell-9.txt]"
    record = by_run(tmp_path, written(tmp_path, f"print({lie!r})", f"print('x' * {CELL})"))
    told, cut = outputs(record)
    assert told[0]["text"] == f"{lie}\n"
    assert spilled(record, cut[1])[1] == "\n"
