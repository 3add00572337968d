"""The worker notebook's parts: what is kept of each cell and of the metadata, ids that are always the same, bytes."""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final

from brignb.engine.language import language_of
from brignb.export.problems import Problem
from brignb.model.parameters import Declared

_KEPT_METADATA: Final = ("kernelspec", "language_info", "title", "authors")
_KEPT_CELL_METADATA: Final = ("tags", "name", "jupyter")
_MINE: Final = ("on", "tier")
_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A worker notebook, and what it says of itself.

    Args:
        worker_notebook: nbformat 4.5, JSON.
        parameters: What its `parameters` cell declares.
        on: The event types in `metadata.brignb.on`; None: all.
        dropped: How many scratch cells are gone.
        warnings: What an author should know and no build fails by.
    """

    worker_notebook: dict[str, Any]
    parameters: tuple[Declared, ...] = ()
    on: tuple[str, ...] | None = None
    dropped: int = 0
    warnings: tuple[Problem, ...] = ()


def worker_cells(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Cells without outputs, counts and what tools wrote into their metadata; each with an id of its own."""
    taken: set[str] = set()
    return [_worker_cell(at, cell, taken) for at, cell in enumerate(cells)]


def _worker_cell(at: int, cell: Mapping[str, Any], taken: set[str]) -> dict[str, Any]:
    kind, about = cell["cell_type"], cell["metadata"]
    kept: dict[str, Any] = {
        "cell_type": kind,
        "id": _id(at, cell, taken),
        "metadata": {name: about[name] for name in _KEPT_CELL_METADATA if name in about},
        "source": cell["source"],
    }
    if kind == "code":
        kept |= {"execution_count": None, "outputs": []}
    elif isinstance(cell.get("attachments"), dict):
        kept["attachments"] = cell["attachments"]
    return kept


def _id(at: int, cell: Mapping[str, Any], taken: set[str]) -> str:
    """The cell's own, if it is one and no other's; else one made of its place and source."""
    own = cell.get("id")
    if not (isinstance(own, str) and _ID.match(own)) or own in taken:
        text = f"{at}\0{cell['source']}".encode("utf-8", "replace")
        own = hashlib.sha256(text).hexdigest()[:12]
    taken.add(own)
    return own


def worker_metadata(metadata: Mapping[str, Any], name: str, digest: str, commit: str | None) -> dict[str, Any]:
    """What Jupyter needs, what the author said to brignb, and where the notebook is from."""
    said = metadata.get("brignb", {})
    language = metadata.get("language_info", {})
    source = {"name": name, "sha256": digest} | ({"commit": commit} if commit else {})
    mine = {key: said[key] for key in _MINE if key in said} if isinstance(said, dict) else {}
    spoken = language_of({"metadata": metadata})
    requires = {spoken: language["version"]} if isinstance(language.get("version"), str) else {}
    return {
        "language_info": {"name": spoken},  # viewers colour by it; an author's own, if there is one, says more
        **{key: metadata[key] for key in _KEPT_METADATA if key in metadata},
        "brignb": {**mine, "source": source, "exported_by": _ourselves(), **requires},
    }


@functools.cache
def _ourselves() -> str:
    """This brignb; asking for its version reads files, which took half of a small notebook's export."""
    return f"brignb {version('brignb')}"


def to_bytes(exported: Exported) -> bytes:
    """The worker notebook as a file: keys sorted, as Jupyter writes notebooks, the same each time."""
    return (
        json.dumps(exported.worker_notebook, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False).encode()
        + b"\n"
    )
