"""Who answered a fired event: the handlers that ran, in their order, and how it went, as a text."""

from __future__ import annotations

from brignb.script.handlers import Handler
from brignb.script.markup import span, state_text
from brignb.script.tail import plain


class Answered(tuple[Handler, ...]):
    """See the module."""

    __slots__ = ()

    def __repr__(self) -> str:
        """A line for each handler, as it last ran."""
        return "\n".join(map(_line, self)) or "no handler answers it"


def _line(handler: Handler) -> str:
    ran = handler.memory.last
    if ran is None:
        return plain(handler.name)
    jobs = "".join(f", job {job.name} {state_text(job.state)}" for job in ran.jobs)
    took = f" in {span(ran.seconds)}" if ran.seconds is not None else ""
    return plain(f"{handler.name} answered {ran.event_type}: {state_text(ran.state)}{took}{jobs}")
