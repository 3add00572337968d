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
    left = members
    while left:
        last = max(left, key=lambda member: (_end(member), -_begin(member)))
        chain.insert(0, last)
        left = [each for each in left if limited and each is not last and _end(each) <= _begin(last)]
    return chain


def _begin(member: Started[Any]) -> float:
    """Seconds since 1970."""
    first = critical_path(member)[0].started_at
    return first.timestamp() if first else math.inf


def _end(member: Started[Any]) -> float:
    """The same; a running one ends after all others."""
    last = critical_path(member)[-1].finished_at
    return last.timestamp() if last else math.inf
