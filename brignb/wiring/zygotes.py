"""The zygotes of a server, or of a worker in a pod: how each is started, and in which sandbox."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from brignb.controller.spawning import environment
from brignb.executors.sandbox import Bind, wrap
from brignb.zygote.keeping import Ready, Zygote
from brignb.zygote.walls import SRC
from brignb.zygote.zygotes import Preload, Zygotes, environment_stamp

_TMP = Path("/tmp")  # noqa: S108 - the zygote's own; each worker gets another

HUGE_PAGES: Final = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
"""The C library's heap in huge pages where the machine has them: a fork has less to copy. Workers do not inherit it."""

SERVERS_JOBS: Final = ("brignb.client.jobs", "anyio._backends._asyncio")
"""What a worker imports, the second for its first request, when its server starts its jobs."""


def possible() -> bool:
    """Whether workers can be forked on this machine: Linux with pidfds (5.3 and later)."""
    return sys.platform == "linux" and hasattr(os, "pidfd_open")


class Folders(Protocol):
    """A server's home, or what is one to a worker away from its server.

    `root` is all of it; `shared` are the folders of which a worker sees its part; of these it only reads `trees`.
    """

    root: Path
    work: Path
    trees: Path

    @property
    def shared(self) -> tuple[Path, ...]:
        """See the class."""


def zygotes(home: Folders, *, walled: bool, rehearsed: bool = True, also: Sequence[str] = ()) -> Zygotes:
    """Those of one process.

    Args:
        home: What of it a zygote sees are the folders that it gives its workers their parts of.
        walled: Whether there are sandboxes on this machine.
        rehearsed: Whether a zygote rehearses before it forks; for a single build that takes longer than it saves.
        also: Modules of ours that its workers will need, besides those that all need.
    """

    async def start(zygote: Zygote, preload: Preload) -> Ready:
        facts = {
            "fd": "{fd}",
            "walled": walled,
            "rehearsed": rehearsed,
            "also": list(also),
            "preload": list(preload),
            "refused": {},
            "probe": str(home.work / f".overlay-{id(zygote)}"),
        }
        text = json.dumps(facts).replace('"{fd}"', "{fd}")
        argv = ["brignb.wiring.warm", text]
        if walled and os.geteuid() != 0:
            argv = ["brignb.zygote.cradle", *argv]
        argv = [sys.executable, "-P", "-m", *argv]
        if walled:
            binds = [Bind(place, place, writable=place != home.trees) for place in home.shared]
            argv = wrap(argv, binds=binds, hidden=(home.root,), cwd=Path("/"), tmpfs=(_TMP, SRC), ours=True)
        return await zygote.start(argv, {**environment(), **HUGE_PAGES})

    return Zygotes(start, environment=environment_stamp)
