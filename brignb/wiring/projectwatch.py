"""`serve --projects NAMESPACE`: the project Secrets of a namespace, taken up by the one that leads.

It has a connection of its own: projects may be Secrets where jobs are no pods, and a server watches nothing unless it is told to,
whatever its kubeconfig leads to.
"""

from __future__ import annotations

import logging
import os

from brignb.cluster.connection import connect
from brignb.controller.projectsecrets import ProjectSecrets
from brignb.wiring.clock import now_ms
from brignb.wiring.executing import CONTEXT
from brignb.wiring.ground import Ground

log = logging.getLogger("brignb")

HERE = "."
"""Stands for the namespace of this pod, or of the kubeconfig's context."""


async def watch_projects(ground: Ground) -> None:
    """For ever; cancel it.

    Raises:
        Unreachable: There is no kubeconfig, and this is no pod.
        BadInput: The client of Kubernetes is not installed.
    """
    connection = await connect(os.environ.get(CONTEXT))
    try:
        asked = ground.options.projects
        namespace = connection.place.namespace if asked in {HERE, None} else str(asked)
        watch = ProjectSecrets(ground.site.store, ground.stored.archive, connection, namespace, now_ms=now_ms)
        for word in ("freed", "ended", "projects"):
            ground.words.on(word, lambda _about: watch.wake())
        log.info("project Secrets of namespace %s are taken up, at %s", namespace, connection.place.server)
        await watch.run()
    finally:
        await connection.close()
