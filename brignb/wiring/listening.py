"""`listen`: the project's real events, in this kernel instead of a worker, one at a time.

    await listen()                     # or listen().wait(), in a script; until Interrupt, `seconds`, or the server is gone
    await listen(types=["push"], seconds=600)

    open ──▶ next ──▶ Handling ──▶ next …        a lease is renewed aside (`leasing`)
      └── the server does not answer: it is waited for, then one clear line, and the end

What the notebook's handlers answer is taken, everything else goes to workers. Secrets, `/src` and jobs are this kernel's own, as
everywhere in a notebook. What must never happen: an event that vanishes (see `brignb.controller.notebooks` for the other side), a
listener that ends and does not say so.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from brignb.client import Listener, find_server
from brignb.errors import BadInput, BrignbError, NotFound, Refused, Unavailable, Unreachable
from brignb.model.builds import Outcome, State
from brignb.model.events import Event
from brignb.script import portal, registry
from brignb.script.session import current
from brignb.wiring.borrowing import run_here
from brignb.wiring.handling import Handling, Offer
from brignb.wiring.leasing import Lease

EVERY: Final = 2.0
"""Seconds between two renewals of the lease, which lasts three times as long."""
PATIENCE: Final = 30.0
"""Seconds for which a server that is gone is waited for; a restart takes a few."""
_PAUSE: Final = 0.5
"""Seconds until it is asked again."""
_SHORT: Final = 4.0
"""Seconds, up to which the server waits for an event when it is asked to; longer, and it waits as it likes."""
_HEED: Final = 1.0
"""Seconds for a cancelled handler to hear of it, before the thread that it blocks is interrupted."""


@dataclass(frozen=True, slots=True)
class Happening:
    """Something to show.

    Args:
        text: In one line.
        build: Which build it is about, if it is about one.
        event: Of it.
        state: How it ended, once it has.
    """

    text: str
    build: str | None = None
    event: Event | None = None
    state: State | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Handled:
    """A build that was handled here. `state` is None when it was lost on the way: it is somebody else's by now."""

    build: str
    type: str
    state: State | None
    reason: str | None = None

    def __repr__(self) -> str:
        because = f" ({self.reason})" if self.reason else ""
        return f"<{self.type}, build {self.build}: {self.state or 'not ours any more'}{because}>"


def say(happening: Happening) -> None:
    """Shows what happened as a line of text."""
    print(happening.text, flush=True)  # noqa: T201 - under the cell that listens


def listen(
    project: str | None = None,
    *,
    types: Sequence[str] = (),
    seconds: float | None = None,
    server: str | None = None,
    show: Callable[[Happening], None] = say,
) -> Listening:
    """Take real events here; await it, or `.wait()`. Nothing begins before. Interrupt is how it ends.

    Args:
        project: `owner/repo`; None: the one of the local project file.
        types: Which; none: those that the notebook's handlers answer.
        seconds: For how long; an event that is being handled then is handled to its end.
        server: Its address; None: `$BRIGNB_SERVER`, else the one that runs here.
        show: Is told what happens.

    Raises:
        BadInput: There is no handler yet.
        Unreachable: No server is known.
        Refused: No token is known.
    """
    if not registry.events.types:
        raise BadInput("no handler is there yet", where="listen", hint='write one first: @events.on("push")')
    address = find_server(server)
    wanted = tuple(types) or registry.events.types
    return Listening(Listener(address.url, address.token), project or current().project_name, wanted, seconds, show)


class Listening:
    """About to listen; see `listen`. It does so once. Both ways answer what was handled."""

    def __init__(
        self,
        listener: Listener,
        project: str,
        types: tuple[str, ...],
        seconds: float | None,
        show: Callable[[Happening], None],
    ) -> None:
        self._listener = listener
        self._project = project
        self._types = types
        self._seconds = seconds
        self._show = show
        self._handled: list[Handled] = []
        self._interrupted = False
        self._why_ended: str | None = None
        self._lease: Lease | None = None

    def __await__(self) -> Generator[Any, None, tuple[Handled, ...]]:
        """On this event loop. A task that is cancelled ends it well: so Interrupt reaches an awaiting cell."""
        return self._listen().__await__()

    def wait(self) -> tuple[Handled, ...]:
        """From plain code; handlers run on this thread, whether or not it has a running event loop."""
        try:
            return run_here(self._listen())
        except KeyboardInterrupt:  # it has ended well, and said so
            return tuple(self._handled)
        finally:
            if self._lease is not None:  # after a second interrupt its own end was not waited for
                self._lease.close()

    def __repr__(self) -> str:
        return f"<{self._what} of {self._project}, to be awaited>"

    @property
    def _what(self) -> str:
        return "all events" if "*" in self._types else ", ".join(self._types)

    async def _listen(self) -> tuple[Handled, ...]:
        portal.heed_interrupts()
        try:
            lease = await self._open()
        except BaseException:
            self._listener.close()
            raise
        self._say(f"listening: {self._what} of {self._project} are handled here; Interrupt ends it")
        until = None if self._seconds is None else time.monotonic() + self._seconds
        why = ""
        try:
            while not self._interrupted and (until is None or time.monotonic() < until):
                try:
                    await self._one(lease, until)
                except (Unreachable, Unavailable, NotFound) as error:
                    lease.close()
                    lease = await self._again(error)
        except (asyncio.CancelledError, KeyboardInterrupt):
            pass  # Interrupt: how it ends
        except BrignbError as error:  # the server stays away, or has no such project any more
            why = f"{error.message}; "
        finally:
            lease.close()
            await portal.in_thread(self._end)
        self._say(f"listening ended: {why}{self._sum()}")
        return tuple(self._handled)

    async def _open(self) -> Lease:
        try:
            await portal.in_thread(partial(self._listener.open, self._project, self._types))
        except NotFound as error:
            hint = "name a project of the server, `brignb project list`, or put its project.yaml beside the notebook"
            raise NotFound(error.message, where="listen(project)", hint=hint) from None
        self._lease = Lease(self._wanted_to_end, seconds=self._listener.lease_seconds, every=EVERY)
        return self._lease

    async def _again(self, error: BrignbError) -> Lease:
        """The server was restarted, or is gone.

        Raises:
            BrignbError: It does not come back.
        """
        self._say(f"the lease is over ({error.message}); connecting again, for {PATIENCE:g} s at the most")
        until = time.monotonic() + PATIENCE
        while True:
            try:
                lease = await self._open()
            except (Unreachable, Unavailable):
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(_PAUSE)
            else:
                self._say("listening again")
                return lease

    def _wanted_to_end(self) -> bool:
        """Renews the lease; whether the build that it holds is to end."""
        held = self._listener.renew()
        return held is not None and held["cancel"]

    def _let_go(self) -> None:
        """The lease is over now, and not only when its time is: what waits goes to workers."""
        with contextlib.suppress(Unreachable, Unavailable, NotFound, Refused):  # then it is over already, or soon
            self._listener.end()

    def _end(self) -> None:
        self._let_go()
        self._listener.close()

    # one event

    async def _one(self, lease: Lease, until: float | None) -> None:
        """The next event, if one comes in time."""
        left = None if until is None or until - time.monotonic() > _SHORT else max(until - time.monotonic(), 0)
        taken = await portal.in_thread(partial(self._listener.next, left))
        if taken is None:
            return
        offer = Offer.from_json(taken)
        event = offer.event
        self._say(f"{event.type} {event.id} from {event.source}: build {offer.build_id}", offer)
        self._why_ended = None
        handling = Handling(offer, self._listener, lost=lease.lost, why_ended=lambda: self._why_ended)
        lease.watch(self._ender(asyncio.get_running_loop(), handling))
        try:
            outcome = await self._joined(handling)
        finally:
            lease.watch(None)
        if outcome is None:  # whatever the server thinks of it, this lease does not go on with it
            await portal.in_thread(self._let_go)
        state, reason = (outcome.state, outcome.reason) if outcome else (None, "lost")
        self._handled.append(Handled(offer.build_id, event.type, state, reason))
        because = f" ({reason})" if reason else ""
        ended = (
            f"{state}{because}"
            if state
            else "it is not this notebook's any more; its server decides what becomes of it"
        )
        self._say(f"build {offer.build_id}: {ended}", offer, state)
        self._interrupted = self._interrupted or reason == "interrupted"

    async def _joined(self, handling: Handling) -> Outcome | None:
        """How the build ended. An interrupt ends it first, as canceled, and listening with it."""
        running = asyncio.create_task(handling.run())
        while not running.done():
            try:
                await asyncio.wait({running})
            except asyncio.CancelledError:
                self._interrupted = True
                handling.cancel()
        return running.result()

    def _ender(self, loop: asyncio.AbstractEventLoop, handling: Handling) -> Callable[[str], None]:
        """What the lease's thread calls when the build must end."""
        thread = threading.get_ident()
        main = threading.current_thread() is threading.main_thread()

        def end(why: str) -> None:
            self._why_ended = why
            heard = threading.Event()

            def cancel() -> None:
                heard.set()
                handling.cancel()

            loop.call_soon_threadsafe(cancel)
            if main and not heard.wait(_HEED):  # a plain handler blocks the loop: only an interrupt reaches it
                signal.pthread_kill(thread, signal.SIGINT)

        return end

    # words

    def _say(self, text: str, offer: Offer | None = None, state: State | None = None) -> None:
        build, event = (offer.build_id, offer.event) if offer else (None, None)
        self._show(Happening(f"brignb: {text}", build, event, state))

    def _sum(self) -> str:
        if not self._handled:
            return "no event came"
        counts = [str(each.state or "lost") for each in self._handled]
        told = ", ".join(f"{counts.count(state)} {state}" for state in dict.fromkeys(counts))
        return f"{len(counts)} event{'s' if len(counts) > 1 else ''}, {told}"
