"""Notebooks that a test makes up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.fixture
def book(tmp_path):
    """Writes a notebook: each cell a source, or a source and its tags."""

    def write(*cells, name="pipeline.ipynb", folder: Path = tmp_path, **metadata) -> Path:
        made = [
            {
                "cell_type": "code",
                "id": f"c{at}",
                "source": source,
                "metadata": {"tags": list(tags)},
                "outputs": [],
                "execution_count": None,
            }
            for at, (source, *tags) in enumerate((cell,) if isinstance(cell, str) else cell for cell in cells)
        ]
        metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}, **metadata}
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(
            json.dumps({"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})
        )
        return folder / name

    return write
