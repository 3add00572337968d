"""The gateways' route as `brignb serve` has it, with its store or without, and no builds: `python -m tests.bench.intake_server store|none HOME`.

The store is SQLite in that folder, or what $BRIGNB_STORE names.
"""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import sys
from pathlib import Path

import uvicorn
import uvloop

from brignb.api.app import create_app
from brignb.api.services import Services
from brignb.archive.files import FileArchive
from brignb.gateways import GitHub, Registry, Simple
from brignb.model.projects import Project
from brignb.store.news import News
from brignb.store.sealing import Sealer
from brignb.store.seam import Accepted
from brignb.store.sql import SqlStore
from brignb.wiring.clock import now_ms, randomness


class Storeless(SqlStore):
    """The peer: everything but the commit."""

    async def accept(self, arrivals):
        return tuple(Accepted(each.event_id, each.build_id, duplicate=False) for each in arrivals)


async def nothing(*_):
    return None


async def main(kind: str, home: Path) -> None:
    url = os.environ.get("BRIGNB_STORE") or f"sqlite:///{home}/bench.db"
    store = (SqlStore if kind == "store" else Storeless)(url, Sealer(bytes(32)))
    await store.open()
    await store.put_project(
        Project(name="bench/bench", default_notebook="{}", shared_secret="bench-secret"), at=now_ms()
    )
    services = Services(
        store=store,
        archive=FileArchive(home),
        news=News(),
        gateways=[GitHub(), Registry(), Simple()],
        cr=True,
        token="bench",
        now_ms=now_ms,
        randomness=randomness,
        wake=lambda: None,
        cancel=nothing,
        source=None,
        artifacts=nothing,
        notebooks=None,
        record=nothing,
        version="bench",
        hosts=("127.0.0.1",),
    )
    with socket.create_server(("127.0.0.1", 0)) as sock:
        config = uvicorn.Config(
            create_app(services),
            http="httptools",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
        )
        gc.freeze()  # as `brignb serve` does
        print(sock.getsockname()[1], flush=True)
        await uvicorn.Server(config).serve(sockets=[sock])
    await store.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1], Path(sys.argv[2])))
