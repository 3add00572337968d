"""`%brig export` and `%brig check`: the notebook as it was saved."""

from __future__ import annotations

import json

import pytest

from brignb.errors import BadInput, NotebookError
from brignb.magics import check, export


def write(path, *sources: str):
    cells = [
        {"cell_type": "code", "source": each, "metadata": {}, "outputs": [], "execution_count": None}
        for each in sources
    ]
    about = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    path.write_text(json.dumps({"cells": cells, "metadata": about, "nbformat": 4, "nbformat_minor": 5}))
    return path


def test_export_drops_scratch_and_says_what_it_wrote(typed, tmp_path) -> None:
    """Beside the notebook, when no other place is named."""
    path = write(tmp_path / "n.ipynb", "x = 1", "%%scratch\n%brig help")
    told = export(notebook=path)
    worker = tmp_path / "n-worker.ipynb"
    assert len(json.loads(worker.read_bytes())["cells"]) == 1
    assert "1 scratch cells left out" in repr(told)
    assert str(worker) in repr(told)
    assert "as it was saved at" in repr(told)


def test_export_refuses(typed, tmp_path) -> None:
    """A notebook that a build could not run, and to write over it."""
    path = write(tmp_path / "n.ipynb", "%brig fire push")
    with pytest.raises(NotebookError, match="authoring only"):
        export(notebook=path)
    with pytest.raises(BadInput, match="overwrite"):
        export(path, notebook=path)
    assert "authoring only" in typed.wrong(f"%brig export --notebook {path}")


def test_check_tells_all_and_raises_nothing(typed, tmp_path) -> None:
    """Each with its cell, line and cure."""
    path = write(tmp_path / "n.ipynb", "x = 1", "y = (", "%brig fire push <b>")
    told = check(path)
    bundle = told._repr_mimebundle_()
    assert "error: cell 2" in bundle["text/plain"]
    assert "error: cell 3, line 1" in bundle["text/plain"]
    assert "2 errors" in bundle["text/plain"]
    assert "cell 3, line 1" in bundle["text/html"]
    assert "all well" in repr(check(write(path, "x = 1")))
