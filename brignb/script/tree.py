"""A group as the rows of a tree: what it has started and what it has not, in the order in which it was written down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from brignb.script.group import Group
from brignb.script.grouphandle import GroupHandle
from brignb.script.handle import JobHandle
from brignb.script.job import Job
from brignb.script.started import Started


@dataclass(frozen=True, slots=True)
class Row:
    """One member.

    Args:
        depth: Groups around it, from 0.
        label: The job's name, how the group runs, or the function's name.
        job: The run; None for a group, and before the member's turn has come.
        group: Whether members of it follow, one deeper.
    """

    depth: int
    label: str
    job: JobHandle | None = None
    group: bool = False


def rows(what: GroupHandle | Group, depth: int = 0) -> Iterator[Row]:
    """Its members, and theirs."""
    parts = what.parts if isinstance(what, GroupHandle) else tuple((member, None) for member in what.members)
    for member, started in parts:
        yield from _rows(member, started, depth)


def order(what: GroupHandle | Group) -> str:
    """How its members run."""
    if what.in_turn:
        return "one after the other"
    return f"at once, at most {what.limit}" if what.limit else "at once"


def _rows(member: Any, started: Started[Any] | None, depth: int) -> Iterator[Row]:
    now = started or member
    if isinstance(now, JobHandle):
        yield Row(depth, now.name, now)
    elif isinstance(now, GroupHandle | Group):
        yield Row(depth, order(now), group=True)
        yield from rows(now, depth + 1)
    else:
        yield Row(depth, now.name if isinstance(now, Job) else _called(now))


def _called(step: Any) -> str:
    name = getattr(step, "__name__", type(step).__name__)
    return "a function" if name == "<lambda>" else f"{name}()"
