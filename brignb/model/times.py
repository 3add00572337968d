"""Times as the contract writes them: RFC 3339, UTC, milliseconds. Inside they are whole milliseconds since 1970."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


_DURATION = re.compile(r"(?P<number>[0-9]{1,9})(?P<unit>[smhdw])\Z")
_UNIT_MS: Final = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


def duration_ms(text: str) -> int:
    """Milliseconds of `30d`, `12h`, `90m`, `45s`, `2w`.

    Raises:
        ValueError: It is none of these.
    """
    found = _DURATION.match(text)
    if not found or not int(found["number"]):
        raise ValueError(f"{text!r:.40} is no duration")
    return int(found["number"]) * _UNIT_MS[found["unit"]]


def rfc3339(ms: int) -> str:
    """`2026-01-31T12:00:00.000Z` of milliseconds since 1970."""
    return (_EPOCH + timedelta(milliseconds=ms)).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"


def rfc3339_or_none(ms: int | None) -> str | None:
    """The same, of a time that may not have come yet."""
    return None if ms is None else rfc3339(ms)


def parse_rfc3339(text: str) -> int:
    """Milliseconds since 1970 of an RFC 3339 time.

    Raises:
        ValueError: It is none.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return (moment - _EPOCH) // timedelta(milliseconds=1)
