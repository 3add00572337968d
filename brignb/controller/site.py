"""What builds are made with, as `wiring` hands it in: a server's whole `Site`, of which `Quarters` is what workers live in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from brignb.archive.seam import Archive
from brignb.controller.runs import Runs
from brignb.export import Exports
from brignb.model.assignment import Server
from brignb.model.builds import Build
from brignb.source.seam import Source, Trees
from brignb.store.news import News
from brignb.store.seam import Store
from brignb.zygote.zygotes import Zygotes


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarters:
    """Where workers run, on a server's machine or in a pod of their own.

    Args:
        source: Where they have their files from.
        builds: The archive's folder; a worker writes into its own build's part of it.
        work: Where checkouts and jobs' folders are while a build runs.
        cache: What is kept between builds, a folder per project.
        hidden: What no worker sees; None: there is no sandbox here.
        zygotes: Where workers are forked; None: they are spawned.
    """

    source: Trees
    builds: Path
    work: Path
    cache: Path
    hidden: tuple[Path, ...] | None
    zygotes: Zygotes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Site(Quarters):
    """What builds are made with.

    Args:
        exports: Kept from one build to the next.
        executor: The server's default.
        runs: Jobs as pods; None: this server has no cluster.
        serving: This server, for the worker of a build's attempt on this machine, which has `runs` start its jobs.
        new_ids: Fresh ids for an emitted event and its build, of a time.
        wake: Tells the controller that a build waits.
    """

    store: Store
    archive: Archive
    source: Source
    news: News
    now_ms: Callable[[], int]
    new_ids: Callable[[int], tuple[str, str]]
    wake: Callable[[], None]
    executor: str = "process"
    runs: Runs | None = None
    serving: Callable[[Build], Server] | None = None
    exports: Exports = field(default_factory=Exports)
