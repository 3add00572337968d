"""A notebook file, read: strict JSON, of nbformat 4; cells as they should be.

    bytes ──▶ load ──▶ a JSON object ──▶ cells_of ──▶ cells with text sources and tags

Also what a worker notebook says of itself: its declared parameters, the event types in its metadata.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from brignb.engine.language import PYTHON, language_of
from brignb.export.problems import Problems
from brignb.model.otherlanguages import read_lines
from brignb.model.parameters import Declarations, Declared, read

SIZE_MAX: Final = 256 * 1024 * 1024
"""Bytes of a notebook file; git hosts take none that is larger."""
NBFORMAT: Final = 4
PARAMETERS: Final = "parameters"
_KINDS: Final = frozenset({"code", "markdown", "raw"})


def load(raw: bytes, problems: Problems) -> dict[str, Any]:
    """The JSON object of a notebook file.

    Raises:
        Unexportable: It is none, or no notebook of nbformat 4.
    """
    if len(raw) > SIZE_MAX:
        problems.add(f"the file has {len(raw)} bytes; the limit is {SIZE_MAX}", hint="clear its outputs")
        problems.raise_any()
    try:
        found = json.loads(raw.decode("utf-8-sig"), object_pairs_hook=_without_duplicates)
    except UnicodeDecodeError as error:
        problems.add(f"the file is not UTF-8: byte {error.start}")
    except RecursionError:
        problems.add("the file is JSON that nests too deep to be a notebook")
    except json.JSONDecodeError as error:
        problems.add(f"the file is not JSON: {error.msg}, line {error.lineno} column {error.colno}")
    except ValueError as error:
        problems.add(f"the file is not the JSON of a notebook: {error}")
    problems.raise_any()
    return take(found, problems)


def take(found: Any, problems: Problems) -> dict[str, Any]:
    """A decoded notebook, if it is one that can be exported.

    Raises:
        Unexportable: It is not.
    """
    if not isinstance(found, dict) or not isinstance(found.get("nbformat"), int):
        problems.add("the file is JSON, but no notebook: it has no `nbformat`")
    elif found["nbformat"] < NBFORMAT:
        problems.add(
            f"the notebook is of nbformat {found['nbformat']}; brignb reads nbformat 4",
            hint="open and save it in Jupyter, or: jupyter nbconvert --to notebook --nbformat 4 NOTEBOOK",
        )
    elif found["nbformat"] > NBFORMAT:
        problems.add(
            f"the notebook is of nbformat {found['nbformat']}, which this brignb does not know; brignb reads 4"
        )
    elif not isinstance(found.get("cells"), list) or not isinstance(found.get("metadata", {}), dict):
        problems.add("the notebook has no list `cells`, or its `metadata` is no object")
    problems.raise_any()
    _check_kernel(found, problems)
    return dict(found)


def _check_kernel(notebook: Mapping[str, Any], problems: Problems) -> None:
    metadata = notebook.get("metadata", {})
    for name in ("kernelspec", "language_info"):
        if not isinstance(metadata.get(name, {}), dict):
            problems.add(f"`metadata.{name}` is no object")
    problems.raise_any()


def cells_of(notebook: Mapping[str, Any], problems: Problems) -> list[dict[str, Any]]:
    """The cells, each with a text as its source and a list of texts as its tags.

    Raises:
        Unexportable: One is malformed.
    """
    cells = [_cell(cell, number, problems) for number, cell in enumerate(notebook["cells"], 1)]
    problems.raise_any()
    return cells


def _cell(cell: Any, number: int, problems: Problems) -> dict[str, Any]:
    if not isinstance(cell, dict):
        problems.add("is no object", cell=number)
        return {}
    if cell.get("cell_type") not in _KINDS:
        problems.add(f"is of the kind {cell.get('cell_type')!r:.40}, which is none of code, markdown, raw", cell=number)
    source = cell.get("source", "")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        problems.add("has a source that is no text", cell=number)
        source = ""
    metadata = cell.get("metadata", {})
    if not isinstance(metadata, dict) or not _texts(metadata.get("tags", [])):
        problems.add("has metadata that is no object, or tags that are no list of texts", cell=number)
        metadata = {}
    return {**cell, "source": source, "metadata": metadata}


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def listed_types(notebook: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The event types in `metadata.brignb.on`, for which a notebook without handlers runs; None: it names none, it runs for all."""
    types = notebook.get("metadata", {}).get("brignb", {}).get("on")
    return None if types is None else tuple(types)


def declared_parameters(notebook: Mapping[str, Any]) -> tuple[Declared, ...]:
    """What the `parameters` cell of a worker notebook declares."""
    for cell in notebook["cells"]:
        if PARAMETERS in cell.get("metadata", {}).get("tags", []):
            source = cell["source"]
            text = source if isinstance(source, str) else "".join(source)
            return declarations(text, language_of(notebook)).declared
    return ()


def declarations(source: str, language: str) -> Declarations:
    """What a `parameters` cell declares, by its language."""
    return read(source) if language == PYTHON else read_lines(source)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {twice!r:.60} stands twice in one object")
    return found
