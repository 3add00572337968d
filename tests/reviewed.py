"""Short words to review a notebook that a test has made up."""

from __future__ import annotations

import json
from typing import Any

from brignb.export import Review, review
from brignb.model.redaction import Redactor

IMPORT = "from brignb import Job, events"


def code(source: str, *tags: str, **more: Any) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "metadata": {"tags": [*tags]}, "outputs": [], **more}


def look(*cells: Any, redactor: Redactor | None = None, **metadata: Any) -> Review:
    every = [code(cell) if isinstance(cell, str) else cell for cell in cells]
    document = {"cells": every, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return review(json.dumps(document).encode(), name="a.ipynb", redactor=redactor)


def told(*cells: Any, **more: Any) -> list[tuple[str, str, str]]:
    return [(each.severity, each.check, each.where) for each in look(*cells, **more).findings]


def only(*cells: Any, **more: Any) -> Any:
    """The one finding, with a cure."""
    (found,) = look(*cells, **more).findings
    assert found.hint
    return found
