"""`papermill --engine brignb`: what papermill's users have, from the engine core, and no value that is ever code."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest
from papermill.exceptions import PapermillException, PapermillExecutionError

from brignb.engine import budget

LOUD = "for n in range(3): print('line', n)"


def code(source: str, *tags: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "source": source,
        "metadata": {"tags": list(tags)},
        "outputs": [],
        "execution_count": None,
    }


def write(path: Path, *cells: dict[str, Any], **metadata: Any) -> Path:
    for at, cell in enumerate(cells):
        cell["id"] = f"c{at}"
    metadata = metadata or {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path.write_text(json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}))
    return path


def execute(source: Path, output: Path | None, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # papermill's own, of Python's old datetime functions
        return papermill.execute_notebook(source, output, engine_name="brignb", progress_bar=False, **options)


PARAMETERS = code("x: int = 1\nname = 'a'\nratio: float = 0.5", "parameters")


def test_values_are_bound_and_shown(tmp_path: Path) -> None:
    """papermill renders the injected cell; ours binds the values beside it."""
    source = write(tmp_path / "in.ipynb", PARAMETERS, code("print(x, name, ratio)\nx"))
    output = tmp_path / "out.ipynb"
    evil = "'''; import os; os._exit(9)"
    execute(source, output, parameters={"x": 5, "name": evil, "ratio": 2})
    seen = nbformat.read(output, 4)
    nbformat.validate(seen)
    assert [cell.metadata.tags for cell in seen.cells] == [["parameters"], ["injected-parameters"], []]
    assert seen.cells[2].outputs[0].text == f"5 {evil} 2.0\n"
    assert seen.cells[2].outputs[1].data["text/plain"] == "5"
    assert seen.metadata.papermill.parameters == {"x": 5, "name": evil, "ratio": 2}
    assert seen.metadata.papermill.exception is None
    assert [cell.metadata.papermill.status for cell in seen.cells] == ["completed"] * 3


def test_a_notebook_without_a_kernelspec_is_pythons(tmp_path: Path) -> None:
    """A starter notebook need not name a kernel that this machine has."""
    seen = execute(write(tmp_path / "in.ipynb", code("6 * 7"), title="no kernelspec"), None)
    assert seen.cells[0].outputs[0].data["text/plain"] == "42"


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"y": 1}, "declares no parameter 'y'"),
        ({"nam": "b"}, "did you mean name"),
        ({"x": "1"}, "x is str, not int"),
        ({"x=1; print('PWNED'); y": 1}, "declares no parameter"),
        ({"name": 1}, "name is int, not str"),
    ],
)
def test_undeclared_and_ill_typed_values_are_refused(tmp_path: Path, parameters: dict[str, Any], words: str) -> None:
    """papermill alone warns, and runs the name as code."""
    with pytest.raises(PapermillException, match=words):
        execute(write(tmp_path / "in.ipynb", PARAMETERS, code("x")), tmp_path / "out.ipynb", parameters=parameters)


def test_another_language_is_refused_by_name(tmp_path: Path) -> None:
    source = write(
        tmp_path / "in.ipynb", code("x <- 1"), kernelspec={"name": "ir", "language": "R", "display_name": "R"}
    )
    with pytest.raises(PapermillException, match="language is r"):
        execute(source, None)


def test_a_failing_cell_is_papermills_error(tmp_path: Path) -> None:
    """Non-zero exit, the marker cells, the states that papermill's users look at."""
    source = write(tmp_path / "in.ipynb", code("x = 1"), code("1 / 0"), code("x"))
    output = tmp_path / "out.ipynb"
    with pytest.raises(PapermillExecutionError, match="ZeroDivisionError"):
        execute(source, output)
    seen = nbformat.read(output, 4)
    ran = [cell for cell in seen.cells if cell.cell_type == "code"]
    assert [cell.metadata.papermill.status for cell in ran] == ["completed", "failed", "pending"]
    assert ran[1].outputs[0].ename == "ZeroDivisionError"
    assert seen.metadata.papermill.exception is True


def test_an_output_notebook_runs_again_with_its_values(tmp_path: Path) -> None:
    """papermill executes the injected cell that it finds; ours binds what the metadata says."""
    first, second = tmp_path / "a.ipynb", tmp_path / "b.ipynb"
    execute(write(tmp_path / "in.ipynb", PARAMETERS, code("x")), first, parameters={"x": 7})
    execute(first, second)
    assert nbformat.read(second, 4).cells[2].outputs[0].data["text/plain"] == "7"


def test_a_display_of_an_earlier_cell_is_updated(tmp_path: Path) -> None:
    cells = code("d = display('a', display_id='k')"), code("d.update('b')")
    seen = execute(write(tmp_path / "in.ipynb", *cells), None)
    assert seen.cells[0].outputs[0].data["text/plain"] == "'b'"


def test_output_that_is_cut_goes_beside_the_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "SPILL_MAX", 1_000_000)
    output = tmp_path / "out.ipynb"
    execute(write(tmp_path / "in.ipynb", code("print('x' * 5_000_000)")), output)
    mark = nbformat.read(output, 4).cells[0].outputs[-1].text
    assert mark == "\n[brignb: cut, 805697 bytes, rest in out.cell-1.txt]\n"
    assert (tmp_path / "out.cell-1.txt").stat().st_size == 805_697


def test_the_relative_output_stands_where_papermill_was_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither `--cwd` nor a cell's chdir moves it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    write(tmp_path / "in.ipynb", code("import os\nos.chdir('/')\nopen('/proc/self/stat').close()"))
    execute(Path("in.ipynb"), Path("out.ipynb"), cwd="sub")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.ipynb", "out.ipynb", "sub"]


def test_log_output_and_files_get_the_lines(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """papermill's `--log-output` and `--stdout-file`."""
    caplog.set_level(logging.INFO, logger="papermill")
    source = write(tmp_path / "in.ipynb", code(LOUD))
    with (tmp_path / "out.txt").open("w") as file:
        execute(source, None, log_output=True, stdout_file=file)
    assert (tmp_path / "out.txt").read_text() == "line 0\nline 1\nline 2\n"


def test_a_time_limit_is_refused_and_not_dropped(tmp_path: Path) -> None:
    with pytest.raises(PapermillException, match="time limit"):
        execute(write(tmp_path / "in.ipynb", code("1")), None, execution_timeout=5)


@pytest.mark.slow
def test_a_hundred_large_cells_are_written_whole(tmp_path: Path) -> None:
    """papermill writes the whole file at each event of each cell, and takes 12.7 s for this."""
    cells = [code("print('x' * 200_000)") for _ in range(100)]
    source = write(tmp_path / "in.ipynb", *cells)
    execute(source, tmp_path / "out.ipynb")
    assert len(nbformat.read(tmp_path / "out.ipynb", 4).cells[99].outputs[0].text) == 200_001


def papermill_cli(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "papermill", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.slow
def test_the_command_line_works_for_anyone(tmp_path: Path) -> None:
    """By the entry point alone, as the documentation says."""
    write(tmp_path / "in.ipynb", PARAMETERS, code("import logging\nlogging.warning('careful')\nprint(x)"))
    done = papermill_cli("--engine", "brignb", "in.ipynb", "out.ipynb", "-p", "x", "5", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    seen = nbformat.read(tmp_path / "out.ipynb", 4)
    texts = {output.name: output.text for output in seen.cells[2].outputs}
    assert texts == {"stderr": "WARNING:root:careful\n", "stdout": "5\n"}
    assert "Executing: 100%" in done.stderr


@pytest.mark.slow
def test_the_command_line_fails_as_papermill_does(tmp_path: Path) -> None:
    write(tmp_path / "in.ipynb", PARAMETERS, code("1 / 0"))
    failed = papermill_cli("--engine", "brignb", "in.ipynb", "out.ipynb", folder=tmp_path)
    assert failed.returncode == 1
    assert "ZeroDivisionError" in failed.stderr
    refused = papermill_cli("--engine", "brignb", "in.ipynb", "out.ipynb", "-p", "xx", "5", folder=tmp_path)
    assert refused.returncode == 1
    assert "declares no parameter 'xx'" in refused.stderr
