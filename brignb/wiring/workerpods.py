"""`serve --workers-as pods`: the worker pods of the one that leads. What they are made of is in `$BRIGNB_WORKER_…`."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from functools import partial

from brignb.cluster.connection import connect
from brignb.controller.pods.settings import Settings
from brignb.controller.pods.tending import WorkerPods
from brignb.store.sealing import load_key
from brignb.wiring.clusterjobs import identity
from brignb.wiring.executing import CONTEXT
from brignb.wiring.ground import Ground

log = logging.getLogger("brignb")


def pod_settings(ground: Ground) -> Settings | None:
    """What whoever runs this server has set; None: workers are processes.

    Raises:
        BadInput: What worker pods cannot do without is not set, or wrong.
    """
    if ground.options.workers_as != "pods":
        return None
    found = replace(Settings.from_environment(), mark=identity(load_key(ground.home.key)))
    return replace(found, most=ground.options.workers) if ground.options.workers else found


async def tend_pods(ground: Ground, settings: Settings) -> None:
    """For ever; cancel it. The pods live on.

    Raises:
        Unreachable: There is no kubeconfig, and this is no pod.
        BadInput: The client of Kubernetes is not installed, or the API's certificate cannot be read.
    """
    words = ground.words
    connection = await connect(os.environ.get(CONTEXT))
    try:
        pods = WorkerPods(
            ground.afar,
            ground.tokens,
            connection,
            settings,
            wanted=ground.notebooks.wanted,
            ended=partial(words.here, "freed"),
        )
        words.on("pending", lambda _about: pods.wake())
        words.on("projects", lambda _about: pods.projects_changed())
        log.info("builds run in pods of %s, at %s", settings.image, connection.place.server)
        await pods.run()
    finally:
        await connection.close()
