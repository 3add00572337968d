"""What was started outside of any scope, in a plain cell or script, when the process ends: it is canceled, and that is said.

So is what failed and nobody asked about. An exit must neither leave a job behind nor lose its failure in silence.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections import deque
from typing import Any, Final

from brignb.errors import JobCanceled
from brignb.script.started import Started

_KEPT: Final = 100
"""Failures that are remembered; a kernel may live for weeks."""

_running: set[Started[Any]] = set()
_failed: deque[Started[Any]] = deque(maxlen=_KEPT)
_hooked: list[int] = []


def watch(started: Started[Any]) -> None:
    """Mind it until it has ended.

    The hook is set on first use, after the session was made: hooks run in reverse, and the session's own takes its folders away.
    """
    if not _hooked:
        _hooked.append(os.getpid())
        atexit.register(_leave)
    _running.add(started)
    started.gone.add_done_callback(lambda _gone: _ended(started))


def _ended(started: Started[Any]) -> None:
    _running.discard(started)
    failure = started.failure
    if failure is not None and not isinstance(failure, JobCanceled):
        _failed.append(started)


def _leave() -> None:
    """The hook. Pools of threads are shut down already, so what an executor does with them fails; by then its processes are gone."""
    left = sorted(_running, key=lambda each: each.what)
    if left:
        _say(f"canceled at exit, since nothing waits for it: {', '.join(each.what for each in left)}")
    for each in left:
        each.cancel()
        each.handled = True
    for each in left:
        each.gone.result()
    for each in _failed:
        if not each.handled:
            _say(f"nobody waited for it: {each.failure}")


def _say(text: str) -> None:
    print(f"brignb: {text}", file=sys.stderr)  # noqa: T201 - the last moment to say it


def _forget() -> None:
    """A forked child has none of its parent's jobs."""
    _running.clear()
    _failed.clear()


os.register_at_fork(after_in_child=_forget)
