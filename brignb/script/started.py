"""What was started and will end: a job, a group, an emitted event.

It runs on the job loop; it can be awaited on any event loop, waited for from any thread, and cancelled. Its end is told to everybody
who waits, and its failure is raised to each of them. Whether anybody was told matters to the `Scope` it was started in.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Generator
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from brignb.script import portal

if TYPE_CHECKING:
    from brignb.script.session import Session

R = TypeVar("R")


class Started(ABC, Generic[R]):
    """See the module. `R` is what waiting for it answers.

    Attributes:
        handled: Somebody was told how it ended, or answers for it.
    """

    def __init__(self) -> None:
        self.handled = False
        self._gone: Future[None] = Future()
        self._gone.set_running_or_notify_cancel()  # shared by all who wait, so none of them may cancel it
        self._result: R | None = None
        self._failure: BaseException | None = None

    @property
    @abstractmethod
    def what(self) -> str:
        """What it is, for messages: `job build (build-01…)`."""

    @abstractmethod
    def cancel(self) -> None:
        """Ask it to end now; returns at once. Cancelling what has ended changes nothing."""

    def done(self) -> bool:
        """Whether it has ended."""
        return self._gone.done()

    @property
    def gone(self) -> Future[None]:
        """Done when it has ended, well or not."""
        return self._gone

    @property
    def failure(self) -> BaseException | None:
        """Why waiting for it raises; None while it runs and when it ended well."""
        return self._failure if self._gone.done() else None

    def wait(self, timeout: float | None = None) -> R:
        """Block this thread until it has ended; an interrupt cancels it.

        Args:
            timeout: Seconds; None waits as long as it takes. It goes on when they are over.

        Raises:
            TimeoutError: It has not ended within `timeout`.
            JobError: It did not end well.
        """
        portal.refuse_inside(f"wait() of {self.what}")
        try:
            self._gone.result(timeout)
        except TimeoutError:
            raise TimeoutError(f"{self.what} has not ended within {timeout} seconds") from None
        except KeyboardInterrupt:
            self.cancel()
            self._gone.result()
            raise
        return self._answer()

    def __await__(self) -> Generator[Any, None, R]:
        """Wait on any event loop; cancelling the task that waits cancels what it waits for."""
        return self._join().__await__()

    async def _join(self) -> R:
        __tracebackhide__ = True  # IPython leaves this frame out of an author's traceback
        portal.heed_interrupts()
        try:
            await asyncio.wrap_future(self._gone)
        except asyncio.CancelledError:
            self.cancel()
            raise
        return self._answer()

    def _answer(self) -> R:
        __tracebackhide__ = True  # the same
        self.handled = True
        if self._failure is not None:
            raise self._failure
        return cast("R", self._result)  # set by `_end`

    def _end(self, result: R | None, failure: BaseException | None = None) -> None:
        """Told once, on the job loop."""
        self._result, self._failure = result, failure
        self._gone.set_result(None)


def shown(started: Started[Any], session: Session) -> None:
    """What `_ipython_display_` does: have the session's view show it.

    Raises:
        NotImplementedError: The view shows nothing: IPython takes the object's own text and HTML then.
    """
    if not session.view.show(started):
        raise NotImplementedError
