"""Documents are run: every Python block, as a script of its own, and every command that needs no server."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#([^)]*))?\)")


def blocks(language: str) -> list:
    return [
        pytest.param(found[2], id=f"{path.name}-{number}")
        for path in DOCUMENTS
        for number, found in enumerate(BLOCK.finditer(path.read_text()))
        if found[1] == language
    ]


@pytest.mark.slow
@pytest.mark.parametrize("source", blocks("python"))
def test_python_blocks_run(source, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", source], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_readmes_cell_does_what_it_says(tmp_path):
    """The first thing that a reader tries."""
    source = next(BLOCK.finditer("".join((ROOT / "README.md").read_text().partition("```python")[1:])))[2]
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    notebook["metadata"]["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    (tmp_path / "brignb.ipynb").write_text(json.dumps(notebook))
    done = subprocess.run(
        [sys.executable, "-m", "brignb", "run", "brignb.ipynb", "--event", "push"],
        cwd=tmp_path,
        env={**os.environ, "BRIGNB_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "worker | built demo-1.0.whl" in done.stdout


@pytest.mark.parametrize("text", blocks("yaml"))
def test_project_files_are_taken(text):
    from brignb.model.projectfile import read

    assert isinstance(yaml.safe_load(text), dict)
    assert read(text).project.name


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    for target, anchor in LINK.findall(path.read_text()):
        there = path.parent / target
        assert there.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", there.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
