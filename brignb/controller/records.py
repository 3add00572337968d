"""Records made on the server: of a worker that could not write its own, and of one that still runs."""

from __future__ import annotations

import asyncio
import json
import logging

from brignb.archive.seam import JOURNAL, RECORD, WORKER_NOTEBOOK, Archive
from brignb.engine.journal import decode, fold
from brignb.errors import Unavailable
from brignb.model.builds import NOTEBOOK, Build, Outcome
from brignb.store.seam import Store

log = logging.getLogger(__name__)


def debug_command(build_id: str) -> str:
    """What a person types to debug a build that a worker ran."""
    return f"brignb debug {build_id}"


def materialise(archive: Archive, build_id: str, outcome: Outcome, *, debug: str = "") -> None:
    """Put the record of a killed worker: what its journal says, and how it ended. Nothing, when no notebook was there.

    The journal is the record: where there is no room to put it, `current_record` makes it whenever somebody asks.
    """
    record = _folded(archive, build_id, outcome, debug)
    if record is not None:
        try:
            archive.put(build_id, RECORD, record)
        except Unavailable as error:
            log.warning(
                "build %s: its record is not put, and made of its journal when it is asked for: %s", build_id, error
            )


async def current_record(store: Store, archive: Archive, build_id: str) -> bytes | None:
    """The record as it is: the final one, or what was seen so far; None when there is no such build.

    A build that has no notebook, or none yet, has a record that says so: `record` answers whatever the build's state is.
    """
    build = await store.build(build_id)
    if build is None:
        return None
    final = await asyncio.to_thread(archive.get, build_id, RECORD) if build.state.terminal else None
    ended = Outcome(state=build.state, reason=build.reason, message=build.message) if build.state.terminal else None
    debug = "" if build.tier == NOTEBOOK else debug_command(build_id)
    return final or await asyncio.to_thread(_folded, archive, build_id, ended, debug) or _without_notebook(build)


def _without_notebook(build: Build) -> bytes:
    because = f" ({build.reason})" if build.reason else ""
    text = [f"**{build.state}**{because}: no notebook was run."]
    if build.message:
        text += ["", *(f"    {line}" for line in build.message.splitlines())]
    cell = {"cell_type": "markdown", "id": "state", "metadata": {}, "source": "\n".join(text)}
    about = {"build": build.id, "state": str(build.state), "reason": build.reason}
    notebook = {"cells": [cell], "metadata": {"brignb": about}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, indent=1, ensure_ascii=False).encode()


def _folded(archive: Archive, build_id: str, outcome: Outcome | None, debug: str) -> bytes | None:
    raw = archive.get(build_id, WORKER_NOTEBOOK)
    if raw is None:
        return None
    about = {"debug": debug} if debug else {}
    record = fold(json.loads(raw), decode(archive.read(build_id, JOURNAL)), ended=outcome, about=about)
    return json.dumps(record, indent=1, ensure_ascii=False).encode()
