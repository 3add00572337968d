"""One attempt of one build, away from its server: from the desk's offer to the end that the desk is told.

    Offer ──▶ source, where its streams go on ──▶ worker ──▶ everything that was seen ──▶ finished
                  └── the lease is over ──▶ the worker is killed, nothing more is said

It is what `brignb.controller.building` does beside the store, with the same place and the same host. A worker that died without a word is
told as `lost`: what becomes of its build is the server's decision. What must never happen: user code that runs on when the build is
somebody else's; a file of one build that is left for the next one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from brignb.archive.files import FileArchive
from brignb.archive.seam import WORKER_NOTEBOOK
from brignb.client import Held, Offer
from brignb.controller.hosting import Died, Order, host
from brignb.controller.placing import Place
from brignb.controller.records import materialise
from brignb.controller.site import Quarters
from brignb.errors import BrignbError, Conflict, Down, SourceError, Unavailable
from brignb.export import FORK, KERNEL
from brignb.kernels import AHEAD
from brignb.model.assignment import Server
from brignb.model.builds import Outcome, State
from brignb.model.projects import Project
from brignb.model.redaction import Redactor
from brignb.wiring.fetching import Fetched
from brignb.wiring.leasing import Lease
from brignb.wiring.mirroring import Mirror
from brignb.wiring.workfolders import WorkFolders
from brignb.zygote.zygotes import Zygotes

log = logging.getLogger("brignb.worker")

EVERY: Final = 5.0
"""Seconds between two renewals of a lease, which lasts three times as long."""
PATIENCE: Final = 900.0
"""Seconds for which a server is waited for that is down, and for which it is told what a worker that has ended has left."""


class Stint:
    """See the module; made and used on the event loop, once.

    Args:
        held: Who tells the desk of the build.
        offer: The build.
        folders: Where it runs.
        hidden: What of this machine its worker does not see; None: there is no sandbox here.
        zygotes: Where workers are forked; None: it is spawned.
        server: Where its jobs are started, if the server is to do that.
        secrets: The project's, in clear text.
    """

    def __init__(
        self,
        held: Held,
        offer: Offer,
        folders: WorkFolders,
        *,
        hidden: tuple[Path, ...] | None,
        zygotes: Zygotes | None,
        server: Server,
        secrets: Mapping[str, str],
    ) -> None:
        build_id = offer.assignment.build_id
        self._offer = offer
        self._assignment = offer.assignment
        self._folders = folders
        self._secrets = secrets
        self._server = server if self._assignment.executor == "server" else None
        self._redactor = Redactor([*secrets.values(), server.token])
        self._project = Project.from_stored(offer.assignment.project)
        self._archive = FileArchive(folders.builds)
        self._lease = Lease(
            held.renew, seconds=offer.lease_seconds, every=EVERY, spared=(Down, Unavailable), patience=PATIENCE
        )
        self._mirror = Mirror(build_id, held, self._archive, self._lease)
        quarters = Quarters(
            source=Fetched(folders.trees, self._mirror.source),
            builds=folders.builds,
            work=folders.work,
            cache=folders.cache,
            hidden=hidden,
            zygotes=zygotes,
        )
        self._place = Place(quarters, self._project, build_id)
        self._order = Order()
        self._running: asyncio.Task[Outcome | None] | None = None
        self._loop = asyncio.get_running_loop()
        self._given_up: str | None = None

    async def run(self) -> bool:
        """Whether the desk knows how it ended; False: it is not this worker's any more."""
        self._running = asyncio.create_task(self._attempt())
        self._lease.watch(self._heard)
        try:
            outcome = await self._ended(self._running)
            enough = self._loop.call_later(PATIENCE, self._lease.lose)
            self._place.release()
            await asyncio.to_thread(self._place.clean)  # what jobs have left is in the archive then
            told = outcome is not None and await asyncio.to_thread(self._mirror.end, outcome)
            enough.cancel()
        finally:
            self._lease.watch(None)
            self._lease.close()
            await asyncio.to_thread(self._folders.clear)
        because = f" ({outcome.reason})" if outcome and outcome.reason else ""
        ended = f"{outcome.state}{because}" if told and outcome else "it is not this worker's any more"
        log.info("build %s: %s", self._assignment.build_id, ended)
        return told

    def give_up(self, why: str) -> None:
        """End its worker at once; the server decides what becomes of the build. On the event loop."""
        if self._running is not None and not self._running.done():
            self._given_up = why
            self._running.cancel()

    def _heard(self, why: str) -> None:
        """On the lease's thread."""
        self._loop.call_soon_threadsafe(self._heed, why)

    def _heed(self, why: str) -> None:
        if why == "canceled":
            self._order.cancel(why)
            self._lease.watch(self._heard)  # it may be lost yet
        elif self._running is not None:
            self._running.cancel()

    async def _ended(self, running: asyncio.Task[Outcome | None]) -> Outcome | None:
        """How it ended; None: it is not ours any more. Nothing of its worker is left."""
        await asyncio.wait({running})
        if self._lease.lost.is_set():
            return None
        if running.cancelled():
            why = self._given_up or "its worker was ended"
            self._mirror.say(why)
            return Outcome(state=State.LOST, reason="worker_died", message=why)
        return running.result()

    async def _attempt(self) -> Outcome | None:
        """The worker's own word, or what is said for it; None: it was not ours any more before it had a worker."""
        order = self._order
        timer = self._loop.call_later(self._offer.seconds, order.cancel, "timeout")
        try:
            await asyncio.to_thread(self._mirror.begin)
            if await order.unless(self._settled()) is None:
                return self._said_for(Died(0, ""))
            return self._said_for(await self._hosted())
        except Conflict:
            return None
        except SourceError as error:
            return self._failed(error.reason, str(error))
        except BrignbError as error:
            return self._failed(error.code, str(error))
        except Exception as error:
            log.exception("build %s", self._assignment.build_id)
            return self._failed("internal_error", f"{type(error).__name__}: {error}")
        finally:
            timer.cancel()

    async def _settled(self) -> bool:
        """Its folders, with the source in them."""
        assignment = self._assignment
        commit = assignment.event.revision.commit if assignment.source is not None else None
        await self._place.settle(commit, ahead=AHEAD if assignment.tier == KERNEL else ())
        for sentence in self._place.refused:
            self._mirror.say(sentence)
        return True

    async def _hosted(self) -> Outcome | Died:
        place, assignment = self._place, self._assignment
        mine = replace(
            assignment,
            source=str(place.source),
            builds=str(self._folders.builds),
            work=str(place.work),
            cache=str(place.cache),
            room=place.room,
            tier=place.tier if assignment.tier == FORK else assignment.tier,
        )
        try:
            process = await place.start()
        except Unavailable as error:
            return Died(0, str(error))
        return await host(
            process,
            mine,
            self._secrets,
            listener=self._mirror,
            order=self._order,
            seconds=self._offer.seconds,
            server=self._server,
        )

    def _said_for(self, ended: Outcome | Died) -> Outcome:
        """Of a worker that did not say it: why somebody ended it, with the record that it could not write; else that it died."""
        if isinstance(ended, Outcome):
            return ended
        outcome = self._order.outcome()
        if outcome is None:
            why = self._redactor(str(ended))
            self._mirror.say(why)
            return Outcome(state=State.LOST, reason="worker_died", message=why)
        assignment = self._assignment
        notebook = (assignment.notebook or "").encode()
        self._archive.put(assignment.build_id, WORKER_NOTEBOOK, notebook, durable=False)
        materialise(self._archive, assignment.build_id, outcome, debug=assignment.debug)
        return outcome

    def _failed(self, reason: str, text: str) -> Outcome:
        """There will be no worker, or none that can be heard: the reason for programs, the message for people, in the log too."""
        message = self._redactor(text)
        self._mirror.say(message)
        return Outcome(state=State.FAILED, reason=reason, message=message)
