"""The backstage: what the engine asks of a kernel that knows brignb. This module runs in the kernel.

    engine, by silent requests            here
    ─────────────────────────────────────────────────────────────────────────────────────
    bind({"tag": "v1"})                   values into the notebook's namespace, as values
    follow({"cell": 3, …} or null)        which cell comes next, and how the failure is told
    execute `await … .call()`             that cell: a handler, in the notebook's own loop
    leave()                               what is still running ends

Only one is there per process: `enter` sets it. Values come as JSON text, answers go as `application/json`.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import traceback
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, Protocol, cast

from brignb.engine.seam import EventCell, Failure
from brignb.engine.telling import in_short, reason_of, users_frames

_HERE: Final = f"__import__({__name__!r}, fromlist=['_'])"
CALL: Final = f"await {_HERE}.call()"
"""What the engine executes for a following cell."""


def asking(name: str, value: Any = None) -> str:
    """The expression that calls a function of this module with a JSON value."""
    return f"{_HERE}.{name}({json.dumps(value)!r})"


def binding(name: str, value: Any) -> str:
    """The expression that binds a name in a Python that has no brignb."""
    return f"globals().__setitem__({name!r}, __import__('json').loads({json.dumps(value)!r}))"


class Play(Protocol):
    """What the kernel's side of a build does."""

    names: Mapping[str, Any]

    def following(self, failure: Failure | None) -> EventCell | None:
        """See `Plan.following`."""

    def leave(self) -> Mapping[str, Any]:
        """The cells are over: end what still runs. Answers `{"reason": …}` when the build's end has one of its own."""


class Answer:
    """JSON, as a kernel's reply carries it."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __repr__(self) -> str:
        return ""

    def _repr_mimebundle_(self, **_asked: Any) -> dict[str, Any]:
        return {"application/json": json.dumps(self._value), "text/plain": ""}


class _Backstage:
    """The play, and what happened in it."""

    def __init__(self, play: Play) -> None:
        self.play = play
        self.next: EventCell | None = None
        self.error: BaseException | None = None
        self.failure: Failure | None = None
        self.shell: Any = None

    def heed(self, result: Any) -> None:
        """A cell has ended."""
        self.error = result and (result.error_before_exec or result.error_in_exec)

    def begin(self) -> None:
        from IPython.core.getipython import get_ipython  # noqa: PLC0415 - the engine reads this module, too, without it

        self.shell = get_ipython()
        self.shell.events.register("post_run_cell", self.heed)
        self.shell.user_ns.update(self.play.names)


_backstage: _Backstage | None = None


def enter(play: Play) -> None:
    """This process plays that."""
    global _backstage  # noqa: PLW0603 - one per process
    _backstage = _Backstage(play)


def begin(_nothing: str = "null") -> Answer:
    """The kernel is there: bind the play's names."""
    _here().begin()
    return Answer(True)


def bind(values: str) -> Answer:
    """Parameters, as values."""
    _here().shell.user_ns.update(json.loads(values))
    return Answer(True)


def follow(failed: str) -> Answer:
    """The next cell, and the failure as the outcome tells it.

    Args:
        failed: JSON: None, or the first failure: its `cell`, the `reason` of that kind of cell, its `message`.
    """
    here, told = _here(), json.loads(failed)
    if told is not None and here.failure is None:
        error = here.error or RuntimeError(told["message"])
        here.failure = Failure(error, told["cell"], reason_of(error, told["reason"]))
    cell = here.next = here.play.following(here.failure)
    shown = cell and {"source": cell.source, "tags": cell.tags, "reason": cell.reason}
    return Answer({"next": shown, "failure": here.failure and _told(here.failure)})


def _told(failure: Failure) -> dict[str, str]:
    return {"reason": failure.reason, "type": type(failure.error).__name__, "message": in_short(failure.error)}


async def call() -> None:
    """The cell that `follow` named."""
    here = _here()
    cell = cast("EventCell", here.next)
    try:
        result = cell.call()
        if inspect.isawaitable(result):
            await result
    except asyncio.CancelledError:
        raise
    except BaseException as error:
        here.shell.set_custom_exc((type(error),), _show(here.shell.CustomTB, here.shell.custom_exceptions))
        raise


def _show(custom: Any, exceptions: Any) -> Callable[..., list[str]]:
    """An exception of a handler is shown from the handler's own first frame; then the shell is as it was."""

    def show(
        shell: Any, kind: type[BaseException], error: BaseException, tb: TracebackType | None, tb_offset: Any = None
    ) -> list[str]:
        del tb_offset
        shell.CustomTB, shell.custom_exceptions = custom, exceptions
        while tb is not None and tb.tb_frame.f_code is not call.__code__:
            tb = tb.tb_next
        frames = users_frames(tb)
        if isinstance(error, BaseExceptionGroup):
            return traceback.format_exception(kind, error, frames)
        return cast("list[str]", shell.InteractiveTB.structured_traceback(kind, error, frames, tb_offset=0))

    return show


def leave(_nothing: str = "null") -> Answer:
    """The cells are over."""
    return Answer(dict(_here().play.leave()))


def _here() -> _Backstage:
    if _backstage is None:
        raise RuntimeError("there is no backstage in this process")
    return _backstage
