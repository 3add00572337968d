"""The checks: what an author should hear before a build does.

Syntax (as IPython has it), magics that only authoring understands, the `parameters` cell, `metadata.brignb.on`, secrets in a source.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Final

from brignb.engine.language import PYTHON, language_of
from brignb.engine.syntax import flaw, plain
from brignb.export.problems import WARNING, Problem, Problems
from brignb.export.reading import PARAMETERS, cells_of, declarations, load, take
from brignb.export.tiers import AUTO, TIERS
from brignb.export.writing import Exported, worker_cells, worker_metadata
from brignb.model.parameters import Declared
from brignb.model.redaction import Redactor

SCRATCH: Final = "scratch"
TESTS: Final = "tests"
"""Of cells that `pytest` runs (`brignb.testing`)."""
DEPTH_MAX: Final = 64
"""Levels of metadata and attachments."""
_SCRATCH_MAGIC = re.compile(r"\s*%%scratch\b")
_AUTHORING = re.compile(r"^[ \t]*(%%job|%%scratch|%brig\w*)\b")
_EVENT_TYPE = re.compile(r"[^\s\x00-\x1f]{1,200}\Z")


def check(
    notebook: bytes | dict[str, Any], *, name: str, commit: str | None = None, redactor: Redactor | None = None
) -> Exported:
    """Check a notebook and make the worker notebook.

    Args:
        notebook: The file's bytes, or the decoded JSON.
        name: Its path or file name, for errors and for the worker notebook's metadata.
        commit: Of its repository, when it is known; into the metadata too.
        redactor: Knows the project's secrets; one that stands in the notebook is a problem.

    Raises:
        Unexportable: A `NotebookError` with everything that is wrong.
    """
    problems = Problems(name)
    if isinstance(notebook, bytes):
        digest, document = hashlib.sha256(notebook).hexdigest(), load(notebook, problems)
    else:
        document = take(notebook, problems)
        digest = hashlib.sha256(json.dumps(notebook, sort_keys=True).encode()).hexdigest()
    language = language_of(document)
    numbered = list(enumerate(cells_of(document, problems), 1))
    on = _on(document, problems)
    kept = [(number, cell) for number, cell in numbered if not is_scratch(cell)]
    warnings: list[Problem] = []
    if not kept:
        warnings.append(Problem("the notebook has no cells that a build would run", severity=WARNING))
    for number, cell in kept:
        _check_cell(number, cell, language, problems)
        _check_secrets(number, cell["source"], redactor, problems)
    parameters = _parameters(kept, language, problems)
    metadata = worker_metadata(document.get("metadata", {}), name, digest, commit)
    worker = worker_cells([cell for _, cell in kept])
    _check_whole(metadata, worker, redactor, problems)
    problems.raise_any()
    return Exported(
        worker_notebook={"cells": worker, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5},
        parameters=parameters,
        on=on,
        dropped=len(numbered) - len(kept),
        warnings=tuple(warnings),
    )


def is_scratch(cell: dict[str, Any]) -> bool:
    """Whether a build never sees a cell: authors' own (`scratch`, `tests`), and what another run of it has left."""
    tags = cell["metadata"].get("tags", [])
    scratch = not {SCRATCH, TESTS}.isdisjoint(tags) or (
        cell["cell_type"] == "code" and _SCRATCH_MAGIC.match(cell["source"]) is not None
    )
    return scratch or not {"injected-parameters", "papermill-error-cell-tag"}.isdisjoint(tags)


def _check_cell(number: int, cell: dict[str, Any], language: str, problems: Problems) -> None:
    source = cell["source"]
    try:
        source.encode()
    except UnicodeEncodeError as error:
        line = source.count("\n", 0, error.start) + 1
        problems.add("holds a lone surrogate, which is no text", cell=number, line=line)
        return
    if cell["cell_type"] != "code" or language != PYTHON or plain(source):
        return
    for line, text in enumerate(source.split("\n"), 1):
        if found := _AUTHORING.match(text):
            hint = "tag the cell `scratch`, or write what it does in Python"
            problems.add(
                f"{found[1]} is for authoring only; a build does not know it", cell=number, line=line, hint=hint
            )
            return
    if wrong := flaw(source):
        problems.add(f"does not compile: {wrong.message}", cell=number, line=wrong.line)


def _check_secrets(number: int, source: str, redactor: Redactor | None, problems: Problems) -> None:
    if redactor is None or redactor(source) == source:
        return
    for line, text in enumerate(source.split("\n"), 1):
        if redactor(text) != text:
            hint = "read it from project.secrets, and change it: it is in the file's history"
            problems.add("holds the value of a secret of the project", cell=number, line=line, hint=hint)


def _parameters(kept: list[tuple[int, dict[str, Any]]], language: str, problems: Problems) -> tuple[Declared, ...]:
    tagged = [(number, cell) for number, cell in kept if PARAMETERS in cell["metadata"].get("tags", [])]
    for number, _ in tagged[1:]:
        problems.add(f"is tagged `parameters`, and so is cell {tagged[0][0]}; there can be one", cell=number)
    if not tagged:
        return ()
    number, cell = tagged[0]
    if cell["cell_type"] != "code":
        problems.add("is tagged `parameters`, but is no code", cell=number)
        return ()
    found = declarations(cell["source"], language)
    if language != PYTHON or flaw(cell["source"]) is None:  # else it was told already
        for line, message in found.problems:
            problems.add(message, cell=number, line=line)
    return found.declared


def _on(document: dict[str, Any], problems: Problems) -> tuple[str, ...] | None:
    mine = document.get("metadata", {}).get("brignb", {})
    if not isinstance(mine, dict):
        problems.add("`metadata.brignb` is no object")
        return None
    if mine.get("tier", AUTO) not in TIERS:
        problems.add(f"`metadata.brignb.tier` is none of {', '.join(sorted(TIERS))}")
    types = mine.get("on")
    if types is None:
        return None
    if not isinstance(types, list) or not types or not all(isinstance(t, str) and _EVENT_TYPE.match(t) for t in types):
        problems.add(
            "`metadata.brignb.on` is no list of event types", hint='for example ["push", "pull_request:opened"]'
        )
        return None
    return tuple(types)


def _check_whole(
    metadata: dict[str, Any], cells: list[dict[str, Any]], redactor: Redactor | None, problems: Problems
) -> None:
    """What metadata and attachments can hide: values that are no JSON, and secrets. All is looked at together, and by itself when it is bad."""
    every: list[Any] = [metadata, *([cell["metadata"], cell.get("attachments")] for cell in cells)]
    if not deep(every) and _is_json(every) and (redactor is None or redactor.tree(every) == every):
        return
    for number, about in enumerate(every):
        what = f"a cell's metadata or attachments (the {number}. that is kept)" if number else "the notebook's metadata"
        if deep(about):
            problems.add(f"{what} nests deeper than {DEPTH_MAX}")
            continue
        if not _is_json(about):
            problems.add(f"{what} holds NaN, Infinity or a lone surrogate, which are no JSON")
        if redactor is not None and redactor.tree(about) != about:
            problems.add(f"{what} holds the value of a secret of the project")


def deep(value: Any, left: int = DEPTH_MAX) -> bool:
    """Whether a JSON value nests so deep that whoever walks it may run out of stack."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return left < 0 or any(deep(one, left - 1) for one in inner if isinstance(one, dict | list))


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except ValueError:
        return False
    return True
