"""One engine's way through some books: each in a forked child with a folder of its own.

    books, as JSON on stdin ──▶ run ENGINE FOLDER ──▶ FOLDER/<number>/result.json: {"notebook", "raised"}

It is a process of its own so that user code finds what it finds in a build: no pytest, no warning filters, no threads. What a child
saw is written as it is seen, so that one that dies leaves what its host would find.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import traceback
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

STOCK = "papermill alone"
MIRROR = "papermill --engine brignb"
MARKER = "papermill-error-cell-tag"
CHILDREN = 2
"""At a time."""
STOCK_LIMIT, STOCK_TRIES = 15, 6
"""papermill waits for ever now and then, where Output widgets are used and the machine is busy, and now and then its kernel finds its
port taken; the reference is what it makes when neither happens."""


def run_papermill(engine: str | None, book: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """papermill as its user calls it, with its own engine or with ours."""
    import nbformat
    import papermill
    from papermill.exceptions import PapermillException

    (folder / "in.ipynb").write_text(json.dumps(book["notebook"]))
    raised = None
    try:
        papermill.execute_notebook(
            folder / "in.ipynb",
            folder / "out.ipynb",
            parameters=book["parameters"],
            engine_name=engine,
            kernel_name="python3",
            language="python",
            progress_bar=False,
        )
    except (PapermillException, RuntimeError) as error:  # nbclient's DeadKernelError is a RuntimeError
        if engine is None and "before replying" in str(error):
            signal.raise_signal(
                signal.SIGALRM
            )  # two kernels chose one port: jupyter_client's race, not what is compared
        raised = type(error).__name__
    return {"notebook": json.loads(nbformat.v4.writes(nbformat.read(folder / "out.ipynb", 4))), "raised": raised}


def run_engine(name: str, book: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """One of `ENGINES`, as a worker calls it."""
    from contract.engines import ENGINES

    from brignb.engine.seam import Plan

    cells = [cell for cell in book["notebook"]["cells"] if MARKER not in cell["metadata"].get("tags", [])]
    book = {**book, "notebook": {**book["notebook"], "cells": cells}}  # as `brignb.export` hands it over
    outcome = ENGINES[name](book["notebook"], Plan(parameters=book["parameters"]), Journal(folder / "journal"))
    if outcome.state == "lost":
        os._exit(1)  # as a worker that is this process: see `bury`
    return {"notebook": record(book, folder, None), "raised": None if outcome.state == "succeeded" else outcome.reason}


class Journal:
    """A Sink that appends, as a worker's does."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def entry(self, entry: Mapping[str, Any]) -> None:
        from brignb.engine.journal import encode

        self._file.write(encode(entry))

    def lines(self, stream: str, text: str, *, partial: bool) -> None:
        """Nobody follows."""


def record(book: Mapping[str, Any], folder: Path, ended: Any) -> dict[str, Any]:
    from brignb.engine.journal import decode, fold

    return fold(book["notebook"], decode((folder / "journal").read_bytes()), ended=ended)


def child(engine: str, book: Mapping[str, Any], folder: Path) -> None:
    """Run a book in its folder, and leave."""
    status = 1
    try:
        work = folder / "work"
        work.mkdir(parents=True)
        for name, text in book["files"].items():
            (work / name).write_text(text)
        os.chdir(work)
        if engine == STOCK:
            signal.alarm(STOCK_LIMIT)
        with warnings.catch_warnings(action="ignore") if engine == STOCK else warnings.catch_warnings():
            if engine in {STOCK, MIRROR}:
                result = run_papermill(None if engine == STOCK else "brignb", book, folder)
            else:
                result = run_engine(engine, book, folder)
        (folder / "result.json").write_text(json.dumps(result))
        status = 0
    except BaseException:  # noqa: BLE001 - told by the parent, whatever it is
        (folder / "error.txt").write_text(traceback.format_exc())
    finally:
        sys.stdout.flush()
        os._exit(status)


def bury(engine: str, book: Mapping[str, Any], folder: Path) -> None:
    """The child is dead: what its host makes of what it left."""
    from brignb.model.builds import Outcome, State

    if (folder / "result.json").exists() or (folder / "error.txt").exists():
        return
    if engine == MIRROR:
        result = {"notebook": json.loads((folder / "out.ipynb").read_text()), "raised": "died"}
    else:
        lost = Outcome(state=State.LOST, reason="worker_died", message="it died")
        result = {"notebook": record(book, folder, lost), "raised": "worker_died"}
    (folder / "result.json").write_text(json.dumps(result))


def main(engine: str, folder: str) -> None:
    """See the module."""
    if engine in {STOCK, MIRROR}:
        import papermill  # noqa: F401 - once for all children
    else:
        import contract.engines  # noqa: F401 - the same
    if engine == "kernel":
        import brignb.engine.protocol.engine
        import brignb.kernels.app  # noqa: F401 - the same
    books = json.load(sys.stdin)
    running: dict[int, tuple[dict[str, Any], Path, int]] = {}
    waiting = [(book, Path(folder) / str(at), 1) for at, book in enumerate(books)]
    waiting.sort(key=lambda one: not one[0]["alone"])
    while waiting or running:
        alone = any(one["alone"] for one, _, _ in running.values())
        while waiting and len(running) < CHILDREN and not alone:
            book, place, tries = waiting.pop(0)
            place.mkdir(parents=True)
            if (pid := os.fork()) == 0:
                child(engine, book, place)
            running[pid] = (book, place, tries)
            alone = book["alone"]
        pid, status = os.wait()
        book, place, tries = running.pop(pid)
        if os.waitstatus_to_exitcode(status) == -signal.SIGALRM and tries < STOCK_TRIES:
            shutil.rmtree(place)
            waiting.insert(0, (book, place, tries + 1))
        else:
            bury(engine, book, place)


if __name__ == "__main__":
    main(*sys.argv[1:])
