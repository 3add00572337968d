"""Records made on the server: of a worker that could not write its own, and of one that still runs."""

from __future__ import annotations

import asyncio
import json

from brignb.archive.seam import JOURNAL, RECORD, WORKER_NOTEBOOK, Archive
from brignb.engine.journal import decode, fold
from brignb.model.builds import Outcome
from brignb.store.seam import Store


def materialise(archive: Archive, build_id: str, outcome: Outcome) -> None:
    """Put the record of a killed worker: what its journal says, and how it ended. Nothing, when no notebook was there."""
    record = _folded(archive, build_id, outcome)
    if record is not None:
        archive.put(build_id, RECORD, record)


async def current_record(store: Store, archive: Archive, build_id: str) -> bytes | None:
    """The record as it is: the final one, or what was seen so far; None when no notebook was there (yet)."""
    build = await store.build(build_id)
    if build is not None and build.state.terminal:
        final = await asyncio.to_thread(archive.get, build_id, RECORD)
        if final is not None:
            return final
    return await asyncio.to_thread(_folded, archive, build_id, None)


def _folded(archive: Archive, build_id: str, outcome: Outcome | None) -> bytes | None:
    raw = archive.get(build_id, WORKER_NOTEBOOK)
    if raw is None:
        return None
    record = fold(json.loads(raw), decode(archive.read(build_id, JOURNAL)), ended=outcome)
    return json.dumps(record, indent=1, ensure_ascii=False).encode()
