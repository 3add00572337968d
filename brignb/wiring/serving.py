"""`brignb serve`: one process with everything, on embedded defaults.

    home, key, token ──▶ store ──▶ controller ──▶ app ──▶ listening

It prints `listening on http://HOST:PORT` once it can take events, and not before. SIGTERM and SIGINT drain: no more events are taken,
running builds get `DRAIN` seconds. A second signal ends it at once, which loses nothing either: what ran is recovered at the next
start.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

import uvicorn
import uvloop
from starlette.types import ASGIApp

from brignb import __version__
from brignb.api.app import create_app
from brignb.api.protocol import BoundedHttp
from brignb.api.services import Services
from brignb.controller.loop import Controller
from brignb.controller.notebooks import Notebooks
from brignb.controller.records import current_record
from brignb.controller.retention import Retention
from brignb.controller.site import Site
from brignb.errors import BadInput, Conflict, Unavailable
from brignb.executors import sandbox
from brignb.gateways import CloudEvents, GitHub, Registry, Simple
from brignb.model.gateway import Gateway
from brignb.model.options import ServeOptions
from brignb.model.tokens import Tokens
from brignb.source.git import GitSource
from brignb.store.news import News
from brignb.store.patience import patient
from brignb.store.sealing import load_key
from brignb.store.sql import SqlStore
from brignb.wiring.clock import fresh_ids, now_ms, randomness
from brignb.wiring.clusterjobs import ClusterJobs, cluster_jobs
from brignb.wiring.home import Home, home_path
from brignb.wiring.localserver import local_server
from brignb.wiring.storing import Storing, storing
from brignb.wiring.zygotes import possible, zygotes
from brignb.zygote.zygotes import Zygotes

log = logging.getLogger("brignb")

DRAIN: Final = 10.0
"""Seconds that running builds get when the server is asked to end."""
_TURN: Final = 0.0005
"""Seconds for which the store's threads may keep the event loop waiting while they compute (Python's own 5 ms are as much as a build's
whole way in)."""
_HANG_UP: Final = 2
"""Seconds that open connections (log followers) get after that."""


def serve(options: ServeOptions) -> int:
    """Serve until a signal; 0 after a clean end.

    Raises:
        BadInput: The address is taken or cannot be had, or the home is open to others.
        Conflict: Another server has the home.
        Unavailable: The home or the database cannot be used.
    """
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    home = Home(home_path(options.home))
    home.acquire()
    try:
        with _bound(options.host, options.port) as sock, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(options, home, sock))
    finally:
        home.release()
    return 0


@contextlib.contextmanager
def _bound(host: str, port: int) -> Iterator[socket.socket]:
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        sock = socket.socket(family, kind, protocol)
    except OSError as error:
        raise BadInput(f"{error.strerror}", where=f"--host {host}") from error
    with sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(address)
        except OSError as error:
            raise BadInput(
                f"cannot listen there: {error.strerror}",
                where=f"{host}:{port}",
                hint="choose another --host or --port; 0 is any",
            ) from error
        yield sock


async def _serve(options: ServeOptions, home: Home, sock: socket.socket) -> None:
    news = News()
    async with (
        storing(options.store, home) as stored,
        cluster_jobs(options, store=stored.store, news=news, home=home) as jobs,
        _server(options, home, stored, sock.getsockname(), news, jobs) as (app, controller),
    ):
        server = _Server(
            uvicorn.Config(
                app,
                http=BoundedHttp,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=_HANG_UP,
            ),
            started=lambda: _announce(home, sock.getsockname()),
        )
        _on_signals(server)
        claiming = asyncio.create_task(controller.run())
        for task in (claiming, *stored.tasks):
            task.add_done_callback(lambda done: _stop_without(server, done))
        sys.setswitchinterval(_TURN)
        gc.freeze()  # what stands now stays: the collector need not look at it for every thousand requests
        await server.serve(sockets=[sock])
        controller.stop()
        await claiming
        await controller.drain(DRAIN)


@contextlib.asynccontextmanager
async def _server(
    options: ServeOptions, home: Home, stored: Storing, address: tuple[str, int], news: News, jobs: ClusterJobs | None
) -> AsyncIterator[tuple[ASGIApp, Controller]]:
    """Everything but the socket: made in order, ended in the reverse order."""
    token, key = home.token(), load_key(home.key)
    store, archive = stored.store, stored.archive
    source = GitSource(home.sources, home.trees)
    woken: list[Callable[[], None]] = []
    doubting: list[Callable[[], None]] = []

    def wake() -> None:
        _each(woken)

    hidden = _hidden(home)
    site = Site(
        store=patient(store, in_doubt=lambda: _each(doubting)),
        archive=archive,
        source=source,
        news=news,
        now_ms=now_ms,
        new_ids=fresh_ids,
        wake=wake,
        builds=home.builds,
        work=home.work,
        cache=home.cache,
        hidden=hidden,
        executor=options.executor,
        runs=jobs.runs if jobs else None,
        serving=local_server(address, key),
        zygotes=zygotes(home, walled=hidden is not None) if possible() else None,
    )
    try:
        await _warn_of_unsigned(store, cr=options.cr)
        retention = Retention(site, options.keep_ms, options.keep_builds)

        def ended() -> None:
            retention.wake()
            stored.ended()

        notebooks = Notebooks(site, ended=ended)
        workers = options.workers or os.cpu_count() or 1
        controller = Controller(site, workers=workers, notebooks=notebooks, ended=ended)
        woken += [controller.wake, notebooks.wake]
        doubting.append(controller.doubt)
        await controller.recover()
        warming = asyncio.create_task(_warm(site.zygotes))
        sweeping = asyncio.create_task(retention.run())
        gateways: list[Gateway] = [GitHub(), Registry(), Simple(), CloudEvents()]
        services = Services(
            store=store,
            archive=archive,
            source=source,
            artifacts=stored.artifacts,
            news=news,
            gateways=gateways,
            cr=options.cr,
            token=token,
            now_ms=now_ms,
            randomness=randomness,
            wake=wake,
            cancel=controller.cancel,
            notebooks=notebooks,
            record=lambda build_id: current_record(store, archive, build_id),
            version=__version__,
            claim=Tokens(key).claim,
            runs=jobs.runs if jobs else None,
            zygotes=site.zygotes.sizes if site.zygotes is not None else dict,
            hosts=(*_hosts(options.host, address), *options.hosts),
        )
        yield create_app(services), controller
        for task in (warming, sweeping):
            task.cancel()
        await asyncio.wait({warming, sweeping})
    finally:
        if site.zygotes is not None:
            await site.zygotes.close()
        await source.close()


def _each(called: Iterable[Callable[[], None]]) -> None:
    for call in called:
        call()


async def _warm(forking: Zygotes | None) -> None:
    """Have workers ready before the first event; builds tell of what goes wrong."""
    if forking is not None:
        with contextlib.suppress(Unavailable):
            await forking.ready()


def _stop_without(server: uvicorn.Server, done: asyncio.Task[None]) -> None:
    """A server that takes events and builds none, or that another one has replaced, would lie; a restart recovers."""
    if not done.cancelled() and (error := done.exception()):
        if isinstance(error, Conflict):
            log.critical("%s; the server stops", error)
        else:
            log.critical("the controller died; the server stops", exc_info=error)
        server.should_exit = True


def _hidden(home: Home) -> tuple[Path, ...] | None:
    """What workers do not see; None, and a warning, where they cannot be kept from it."""
    why = sandbox.why_not()
    if why is None:
        if caveat := sandbox.caveat():
            log.warning("%s", caveat)
        return (home.root,)
    log.warning("workers run without a sandbox (%s): this server's projects trust one another", why)
    return None


async def _warn_of_unsigned(store: SqlStore, *, cr: bool) -> None:
    if not cr:
        return
    open_ones = [project.name for project in await store.projects() if not project.registry_secret]
    if open_ones:
        log.warning(
            "--cr: %s take unsigned registry webhooks; give them a registrySecret to have them checked",
            ", ".join(open_ones),
        )


def _hosts(host: str, address: tuple[str, int]) -> tuple[str, ...]:
    """Names a caller may use for this server; `*` when it listens to everybody, for it cannot know them all."""
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104 - compared, not bound
        return ("*",)
    return ("localhost", "127.0.0.1", "::1", host, address[0])


def _announce(home: Home, address: tuple[str, int]) -> None:
    host, port = address[0], address[1]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    home.announce({"url": url, "pid": os.getpid(), "version": __version__})
    print(f"listening on {url}", flush=True)  # noqa: T201 - the contract's line


class _Server(uvicorn.Server):
    """uvicorn, telling when it takes connections, and leaving the signals to us."""

    def __init__(self, config: uvicorn.Config, *, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell, once connections are taken."""
        await super().startup(sockets)
        self._tell()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ours are set already."""
        yield


def _on_signals(server: uvicorn.Server) -> None:
    loop = asyncio.get_running_loop()

    def end(number: int) -> None:
        if server.should_exit:
            os._exit(128 + number)
        log.info("%s: no more events are taken; running builds get %g s", signal.Signals(number).name, DRAIN)
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end, number)
