"""Which tier a notebook runs in: decided before it runs, by what stands in it, and said."""

from __future__ import annotations

import pytest

from brignb.export import choose

PYTHON = {"kernelspec": {"name": "python3", "language": "python"}}


def notebook(*sources: str, **metadata: object) -> dict[str, object]:
    cells = [{"cell_type": "code", "source": source, "metadata": {}} for source in sources]
    return {"cells": cells, "metadata": {**PYTHON, **metadata}}


def test_a_plain_notebook_forks_and_needs_no_word() -> None:
    assert choose(notebook("import pandas\ninput()", "print(1)")) == ("fork", "")


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("import ipywidgets as w", "ipywidgets"),
        ("import os, ipywidgets", "ipywidgets"),
        ("    from anywidget import AnyWidget", "anywidget"),
        ("from tqdm.notebook import tqdm", "tqdm.notebook"),
        ("from tqdm import tqdm_notebook", "tqdm_notebook"),
        ("k = get_ipython().kernel", "get_ipython().kernel"),
        ("from comm import create_comm", "comm"),
        ("%matplotlib widget", "%matplotlib widget"),
        ("%%javascript\nIPython.notebook.kernel.execute('1')", "IPython.notebook.kernel"),
    ],
)
def test_what_needs_a_live_kernel_gets_one(source: str, word: str) -> None:
    """Without one these would show nothing, or fail, where they work in Jupyter."""
    assert choose(notebook("x = 1", source)) == ("kernel", f"cell 2 uses {word}, which needs a live kernel")


@pytest.mark.parametrize(
    "source",
    ["# import ipywidgets", "import community", "import os  # not ipywidgets", "%matplotlib inline", "x.tqdm = 1"],
)
def test_what_only_looks_like_it_does_not(source: str) -> None:
    assert choose(notebook(source))[0] == "fork"


def test_the_notebook_wins_over_the_project_and_both_over_what_is_found() -> None:
    live = "import ipywidgets"
    assert choose(notebook(live), "fork") == ("fork", "the project's tier says so")
    assert choose(notebook(live, brignb={"tier": "cold"}), "fork") == ("cold", "the notebook's metadata says so")
    assert choose(notebook(live, brignb={"tier": "auto"}), "auto")[0] == "kernel"


def test_another_language_is_cold_whatever_is_asked_for() -> None:
    """A fork runs Python only."""
    other = notebook("1 + 1", kernelspec={"name": "ir", "language": "R"}, brignb={"tier": "fork"})
    assert choose(other, "kernel") == ("cold", "its language is r")
