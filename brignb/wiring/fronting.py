"""What a server's process answers over HTTP, by its parts: gateways, the API, and what every part has (health, metrics).

    gateways of its parts ─┐
    /api, when it is one   ├──▶ app
    /healthz, /readyz, … ──┘
    /api/worker ──▶ an app of its own where workers have a listener of their own, by TLS; else, and for workers on this machine, in the same

What must never happen: a part that takes what another part, elsewhere, is there for.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from starlette.types import ASGIApp

from brignb import __version__
from brignb.api.app import create_app, create_worker_app
from brignb.api.services import Services
from brignb.gateways import CloudEvents, GitHub, Registry, Simple
from brignb.model.gateway import Gateway
from brignb.wiring.clock import now_ms, randomness
from brignb.wiring.ground import Ground

log = logging.getLogger("brignb")

_GATEWAYS: Final[Mapping[str, tuple[Callable[[], Gateway], ...]]] = {
    "github": (GitHub,),
    "registry": (Registry,),
    "generic": (Simple, CloudEvents),
}


async def front(
    ground: Ground, address: tuple[str, int], *, leads: Callable[[], bool], ending: Callable[[], bool]
) -> tuple[ASGIApp, ASGIApp | None]:
    """The app; and that for workers, when it is another one.

    Args:
        ground: What it stands on.
        address: Where it listens.
        leads: Whether this process leads.
        ending: Whether it was asked to end.
    """
    options, stored, site = ground.options, ground.stored, ground.site
    gateways = [made() for part, kinds in _GATEWAYS.items() if part in options.parts for made in kinds]
    await _warn_of_unsigned(ground)
    services = Services(
        store=stored.store,
        archive=stored.archive,
        source=site.source,
        artifacts=stored.artifacts,
        news=stored.news,
        gateways=gateways,
        api="api" in options.parts,
        cr=options.cr,
        token=ground.home.token(),
        now_ms=now_ms,
        randomness=randomness,
        wake=partial(ground.words.here, "pending"),
        cancel=ground.cancel,
        notebooks=ground.notebooks,
        record=ground.record,
        version=__version__,
        zygotes=site.zygotes.sizes if site.zygotes is not None else dict,
        claim=ground.tokens.claim,
        runs=ground.jobs.runs if ground.jobs else None,
        desk=ground.desk,
        listens="controller" in options.parts,
        leads=leads if "controller" in options.parts else None,
        ending=ending,
        hosts=(*_hosts(options.host, address), *options.hosts),
    )
    apart = options.tls_cert is not None
    here = not apart or ("controller" in options.parts and options.workers_as == "processes")
    return create_app(services, workers=here), create_worker_app(services) if apart else None


async def _warn_of_unsigned(ground: Ground) -> None:
    if not (ground.options.cr and "registry" in ground.options.parts):
        return
    open_ones = [project.name for project in await ground.stored.store.projects() if not project.registry_secret]
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
