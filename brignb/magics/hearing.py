"""`listen`: the project's real events, handled in this kernel instead of a worker, one at a time, until Interrupt."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from brignb.wiring.listening import Listening


def listen(
    kind: str | tuple[str, ...] | list[str] = (),
    *,
    project: str | None = None,
    seconds: float | None = None,
    server: str | None = None,
) -> Listening:
    """Listen; await it, or `.wait()`. `%brig listen` is this.

    Args:
        kind: A type, or several; none: those that the handlers here answer.
        project: `owner/repo`; None: the one of the local project file.
        seconds: For how long; None: until Interrupt.
        server: Its address; None: the one that runs here.

    Raises:
        BadInput: No handler is registered yet.
        Unreachable: No server is known.
    """
    from brignb.wiring.listening import listen as begin  # noqa: PLC0415 - most notebooks hear nothing

    return begin(project, types=(kind,) if isinstance(kind, str) else tuple(kind), seconds=seconds, server=server)
