"""The one place that reads the clock and the machine's randomness; everybody else is handed them."""

from __future__ import annotations

import os
import secrets
import time
from typing import Final

from brignb.model.names import new_id

_POOL: Final = 1000
_pool = b""


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def randomness(count: int) -> bytes:
    """So many random bytes, of a pool: a call of the system for each id would be a tenth of what a webhook costs."""
    global _pool  # noqa: PLW0603 - it is the pool
    if len(_pool) < count:
        _pool = secrets.token_bytes(max(count, _POOL))
    taken, _pool = _pool[:count], _pool[count:]
    return taken


def _forget_pool() -> None:
    global _pool  # noqa: PLW0603 - the same
    _pool = b""


os.register_at_fork(after_in_child=_forget_pool)  # or a child would give out its parent's


def fresh_id(at: int) -> str:
    """A ULID of a time."""
    return new_id(at, randomness(10))


def fresh_ids(at: int) -> tuple[str, str]:
    """Ids of an event and its build."""
    return fresh_id(at), fresh_id(at)
