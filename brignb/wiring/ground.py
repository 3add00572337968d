"""What all parts of a server's process stand on: its home, store and archive, its repositories, and the words it hears.

    options ──▶ home, store, archive, source, news, words ──▶ `fronting` (HTTP), `leading` (the controller)

What must never happen: two processes in one folder of work trees.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from brignb.controller.canceling import cancel
from brignb.controller.desk import Desk
from brignb.controller.notebooks import Notebooks
from brignb.controller.records import current_record
from brignb.controller.site import Site
from brignb.executors import sandbox
from brignb.model.builds import Build
from brignb.model.options import ServeOptions
from brignb.model.tokens import Tokens
from brignb.source.git import GitSource
from brignb.store.patience import patient
from brignb.store.sealing import load_key
from brignb.wiring.clock import fresh_ids, now_ms
from brignb.wiring.clusterjobs import ClusterJobs, cluster_jobs
from brignb.wiring.home import Home
from brignb.wiring.localserver import local_server
from brignb.wiring.storing import Storing, storing
from brignb.wiring.words import Words
from brignb.wiring.zygotes import SERVERS_JOBS, possible, zygotes

log = logging.getLogger("brignb")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """See the module.

    Args:
        site: What builds are made with; its store waits for a database that is away.
        afar: The same for builds whose workers are elsewhere: they write into the archive that all servers share.
        notebooks: Those that listen.
        desk: Where workers elsewhere take builds; None: this process answers none.
        tokens: Of workers.
        jobs: Jobs as pods; None: this process starts none.
    """

    options: ServeOptions
    home: Home
    stored: Storing
    words: Words
    site: Site
    afar: Site
    notebooks: Notebooks
    desk: Desk | None
    tokens: Tokens
    jobs: ClusterJobs | None

    async def cancel(self, build_id: str) -> Build | None:
        """A build is to end, wherever it runs; see `canceling`."""
        return await cancel(self.site, build_id, tell=partial(self.words.say, "cancel"))

    async def record(self, build_id: str) -> bytes | None:
        """A build's record as it is now; None: it has no notebook yet."""
        return await current_record(self.stored.store, self.stored.archive, build_id)


@contextlib.asynccontextmanager
async def ground(options: ServeOptions, home: Home, address: tuple[str, int]) -> AsyncIterator[Ground]:
    """Made, and let go of at the end.

    Args:
        options: What is asked for.
        home: Acquired.
        address: Where this process listens.

    Raises:
        BadInput: The store's URL cannot be used, or not by these parts.
        Unavailable: The database, or the key, cannot be used.
    """
    words = Words()
    api = "api" in options.parts
    async with (
        storing(options.store, home, options.parts, words) as stored,
        cluster_jobs(options, stored=stored, home=home) as jobs,
    ):
        builds_here = "controller" in options.parts and options.workers_as == "processes"
        key = load_key(home.key)
        source = GitSource(home.sources, home.trees if "controller" in options.parts else home.trees_beside)
        hidden = _hidden(home) if builds_here else None
        site = Site(
            store=patient(stored.store, in_doubt=partial(words.here, "doubt")),
            archive=stored.archive,
            source=source,
            news=stored.news,
            now_ms=now_ms,
            new_ids=fresh_ids,
            wake=partial(words.here, "pending"),
            builds=home.builds,
            work=home.work,
            cache=home.cache,
            hidden=hidden,
            executor=options.executor,
            runs=jobs.runs if jobs else None,
            serving=local_server(address, key) if api else None,
            zygotes=zygotes(home, walled=hidden is not None, also=SERVERS_JOBS if jobs else ())
            if builds_here and possible()
            else None,
        )
        notebooks = Notebooks(site, ended=partial(words.here, "freed"))
        words.on("pending", lambda _about: notebooks.wake())
        tokens, afar = Tokens(key), replace(site, archive=stored.shared)
        desk = Desk(afar, tokens, wanted=notebooks.wanted, ended=partial(words.here, "freed")) if api else None
        if desk is not None:
            words.on("pending", lambda _about: desk.wake())
        try:
            yield Ground(
                options=options,
                home=home,
                stored=stored,
                words=words,
                site=site,
                afar=afar,
                notebooks=notebooks,
                desk=desk,
                tokens=tokens,
                jobs=jobs,
            )
        finally:
            if site.zygotes is not None:
                await site.zygotes.close()
            await source.close()


def _hidden(home: Home) -> tuple[Path, ...] | None:
    """What workers do not see; None, and a warning, where they cannot be kept from it."""
    why = sandbox.why_not()
    if why is None:
        if caveat := sandbox.caveat():
            log.warning("%s", caveat)
        return (home.root,)
    log.warning("workers run without a sandbox (%s): this server's projects trust one another", why)
    return None
