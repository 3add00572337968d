"""`brignb debug` opens a stranger's work tree: nothing of it runs before a person has run a cell."""

from __future__ import annotations

import subprocess

import pytest

from brignb.cli.debugging import lab


@pytest.mark.slow
def test_the_work_tree_has_no_say_in_what_jupyterlab_is(tmp_path) -> None:
    """A failed build may be of a pull request, and Python looks for `-m jupyterlab` in the current folder first."""
    (tmp_path / "jupyterlab.py").write_text("open('owned', 'w').close()")
    subprocess.run([*lab(tmp_path / "brignb.ipynb"), "--version"], cwd=tmp_path, capture_output=True, check=False)
    assert not (tmp_path / "owned").exists()
