"""Lines of brignb's own in a build's log: what `build logs` tells of times when there is no worker."""

from __future__ import annotations

import logging

from brignb.archive.seam import WORKER
from brignb.controller.site import Site
from brignb.errors import Unavailable
from brignb.model.logs import LogLine

log = logging.getLogger(__name__)


def say(site: Site, build_id: str, text: str) -> None:
    """Append it to the worker's log, while no worker does; redacted. Where the archive is away the server's log has it."""
    archive = site.archive
    data = b"".join(LogLine(site.now_ms(), "system", line).encode() for line in text.splitlines())
    try:
        archive.append(build_id, WORKER, archive.size(build_id, WORKER), data)
    except Unavailable as error:
        log.error("build %s: %s; its log lacks: %s", build_id, error, text)  # noqa: TRY400 - an error for people
