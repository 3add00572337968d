"""The critical path of a group: the jobs that would have had to be faster for the group to be faster.

Of members in turn all count; of members at once the one that ends last. Where only some may run at the same time, that one had to
wait for another member to end, which counts too, and so on back to the beginning.
"""

from __future__ import annotations

import math
from typing import Any

from brignb.script.grouphandle import GroupHandle
from brignb.script.handle import JobHandle
from brignb.script.started import Started


def critical_path(started: Started[Any]) -> list[JobHandle]:
    """Its jobs, in the order of time; of those that run still the one that began first is taken for the longest."""
    if isinstance(started, JobHandle):
        return [started] if started.started_at else []
    if not isinstance(started, GroupHandle):
        return []
    begun = [member for _written, member in started.parts if member is not None and critical_path(member)]
    chosen = begun if started.in_turn else _chain(begun, limited=started.limit is not None)
    return [job for member in chosen for job in critical_path(member)]


def _chain(members: list[Started[Any]], *, limited: bool) -> list[Started[Any]]:
    """The member that ended last, before it the one whose end it waited for, and so on."""
    chain: list[Started[Any]] = []
    left = [(*_span(member), member) for member in members]
    while left:
        begin, _, last = max(left, key=lambda each: (each[1], -each[0]))
        chain.insert(0, last)
        left = [each for each in left if limited and each[2] is not last and each[1] <= begin]
    return chain


def _span(member: Started[Any]) -> tuple[float, float]:
    """Its begin and its end, in seconds since 1970; a running one ends after all others."""
    path = critical_path(member)
    first, last = path[0].started_at, path[-1].finished_at
    return first.timestamp() if first else math.inf, last.timestamp() if last else math.inf
