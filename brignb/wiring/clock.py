"""The one place that reads the clock and the machine's randomness; everybody else is handed them."""

from __future__ import annotations

import secrets
import time

from brignb.model.names import new_id


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def fresh_id(at: int) -> str:
    """A ULID of a time."""
    return new_id(at, secrets.token_bytes(10))


def fresh_ids(at: int) -> tuple[str, str]:
    """Ids of an event and its build."""
    return fresh_id(at), fresh_id(at)
