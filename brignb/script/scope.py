"""Structured concurrency: what a handler starts does not outlive it, and what fails in it does not pass unseen.

    async with Scope():
        job.run()            # never awaited: awaited when the scope ends; its failure fails the scope

A scope is found by its context variable, so tasks and the threads that asyncio starts are in the scope they were started in; a bare
thread has no context and is in the innermost scope of the process. A failure is handled when waiting raised it to somebody, or when
a group answers for it. What was canceled did not fail. When the scope's body itself failed, what it left running is canceled.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Self

from brignb.errors import JobCanceled
from brignb.script import exiting
from brignb.script.started import Started

_current: ContextVar[Scope | None] = ContextVar("brignb_scope", default=None)
_entered: list[Scope] = []
_lock = threading.Lock()


def current() -> Scope | None:
    """The scope that what is started here belongs to; None in a plain cell or script."""
    scope = _current.get()
    with _lock:
        if scope in _entered:
            return scope
        return _entered[-1] if _entered else None


def entrust(started: Started[Any], owner: Started[Any] | None = None) -> None:
    """Have somebody answer for what was started: its owner, else the current scope, else the process when it exits."""
    if owner is not None:
        started.handled = True
    elif (scope := current()) is not None:
        scope.add(started)
    else:
        exiting.watch(started)


class Scope:
    """See the module."""

    def __init__(self) -> None:
        self._started: list[Started[Any]] = []
        self._ended: list[Started[Any]] = []
        self._inner: list[Scope] = []
        self._exits = contextlib.ExitStack()

    @contextlib.contextmanager
    def entered(self) -> Iterator[Self]:
        """What is started within belongs to this scope; it is not settled at the end."""
        outer, before = current(), _current.get()
        _current.set(self)
        with _lock:
            _entered.append(self)
        if outer is not None:
            outer._inner.append(self)  # noqa: SLF001 - of the same class
        try:
            yield self
        finally:
            with _lock:
                _entered.remove(self)
            _current.set(before)  # not `reset`: a coroutine that is thrown away may end in another context
        if outer is not None:
            outer._inner.remove(self)  # noqa: SLF001 - the same; one that broke off is left for `outer.abandon`

    async def __aenter__(self) -> Self:
        """Enter; leaving settles it."""
        self._exits.enter_context(self.entered())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Settle, then leave."""
        with self._exits:
            if kind is GeneratorExit:  # its loop is gone: nothing can be waited for any more
                self._cancel()
            else:
                await self.settle(failed=error is not None)

    def add(self, started: Started[Any]) -> None:
        """Answer for what was started here."""
        self._started.append(started)
        started.gone.add_done_callback(lambda _gone: self._ended.append(started))

    @property
    def started(self) -> tuple[Started[Any], ...]:
        """What was started here, in that order; not what was started in scopes within."""
        return tuple(self._started)

    @property
    def unsettled(self) -> bool:
        """Whether something still runs, or failed and nobody was told."""
        return bool(self._running() or self._unhandled())

    async def settle(self, failed: bool = False) -> None:  # noqa: FBT001, FBT002 - the contract with `brignb.worker`
        """Wait for what still runs, or cancel it when the body failed.

        Raises:
            JobError: Something failed that nobody was told of: the first, with the others as its notes.
        """
        if failed:
            await self.abandon()
            return
        try:
            while running := self._running():
                await asyncio.wrap_future(running[0].gone)
        except asyncio.CancelledError:
            await self.abandon()
            raise
        self._raise_unhandled()

    async def abandon(self) -> None:
        """Cancel what still runs, here and in the scopes within, and wait until it is gone; failures are left alone."""
        for inner in tuple(self._inner):
            await inner.abandon()
        while running := self._running():
            self._cancel()
            for each in running:
                await asyncio.wrap_future(each.gone)
        for each in self._started:
            each.handled = True

    def _cancel(self) -> None:
        for each in self._running():
            each.cancel()

    def _running(self) -> list[Started[Any]]:
        return [each for each in self._started if not each.done()]

    def _unhandled(self) -> list[BaseException]:
        """Failures that nobody was told of, in the order in which they happened."""
        failed = [each.failure for each in self._ended if not each.handled]
        return [failure for failure in failed if failure is not None and not isinstance(failure, JobCanceled)]

    def _raise_unhandled(self) -> None:
        failures = self._unhandled()
        for each in self._started:
            each.handled = True
        if failures:
            first, *others = failures
            for other in others:
                first.add_note(f"and: {other}")
            raise first
