"""`Group`: jobs in turn, or at once, and groups of groups.

    await Group.sequence(build, Group.concurrent(*tests, limit=2), lambda: Job("tag", tasks=[f"tag {build.outputs['id']}"]))

The first failure cancels what runs beside it and skips what comes after it; a failing job that is `fallible` does neither. The
answer is the list of handles, in the order in which the jobs were written down. A step may be a function without parameters, plain or
async: it is called when its turn comes, and what it answers (a job, a group, a handle or nothing) is run then.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Any, Self, Union

from brignb.errors import JobDefinitionError
from brignb.script import scope
from brignb.script.grouphandle import GroupHandle
from brignb.script.handle import JobHandle
from brignb.script.job import Job
from brignb.script.session import current
from brignb.script.showing import ShowsLastRun
from brignb.script.started import Started

Runnable = Union[Job, "Group", JobHandle, GroupHandle, Callable[[], Any]]


class Group(ShowsLastRun):
    """Runnables, to be run at once or in turn. Nothing runs until it is awaited, or `run()`.

    Args:
        members: Jobs, groups, functions, and (at once only) handles of what runs already.
        limit: How many of them run at the same time; None: all.

    Raises:
        JobDefinitionError: A member is none of these, or the limit is below 1.
    """

    def __init__(self, members: Iterable[Runnable] = (), *, limit: int | None = None) -> None:
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
            raise JobDefinitionError(f"{limit!r:.80} is not a number from 1", where="Group(limit)")
        self._members: list[Runnable] = []
        self._limit = limit
        self._in_turn = False
        self._last: GroupHandle | None = None
        self.add(*members)

    @classmethod
    def sequence(cls, *members: Runnable) -> Self:
        """One after the other."""
        group = cls()
        group._in_turn = True
        group.add(*members)
        return group

    @classmethod
    def concurrent(cls, *members: Runnable, limit: int | None = None) -> Self:
        """All at once, or `limit` at a time."""
        return cls(members, limit=limit)

    def add(self, *members: Runnable) -> None:
        """More members, after those that it has.

        Raises:
            JobDefinitionError: One of them cannot be a member.
        """
        for member in members:
            self._check(member)
            self._members.append(member)

    def _check(self, member: object) -> None:
        if self._in_turn and isinstance(member, Started):
            raise JobDefinitionError(
                f"{member.what} runs already, so nothing can come before it",
                where="Group.sequence",
                hint="give it the Job, not what run() answers",
            )
        if not (isinstance(member, Job | Group | Started) or callable(member)):
            hint = "write them as arguments: Group.concurrent(*jobs)" if isinstance(member, list | tuple) else ""
            raise JobDefinitionError(
                f"takes jobs, groups and functions, not {type(member).__name__}", where="Group", hint=hint
            )

    def run(self, *, owner: Started[Any] | None = None) -> GroupHandle:
        """Start it, and return at once.

        Args:
            owner: The group that answers for it; else the scope in which it is started does.
        """
        return self._begin(in_turn=self._in_turn, owner=owner)

    def run_all(self) -> GroupHandle:
        """Start all at once (Brigade v1's `runAll`)."""
        return self._begin(in_turn=False)

    def run_each(self) -> GroupHandle:
        """Start one after the other (Brigade v1's `runEach`)."""
        return self._begin(in_turn=True)

    def __await__(self) -> Generator[Any, None, list[JobHandle]]:
        """Run it, and wait for it."""
        return self.run().__await__()

    def __len__(self) -> int:
        return len(self._members)

    def __bool__(self) -> bool:
        """A group is there even while nothing is in it."""
        return True

    @property
    def last(self) -> GroupHandle | None:
        """The handle of the last run; None before there is one."""
        return self._last

    @property
    def members(self) -> tuple[Runnable, ...]:
        """What it runs."""
        return tuple(self._members)

    @property
    def in_turn(self) -> bool:
        """Whether they run one after the other."""
        return self._in_turn

    @property
    def limit(self) -> int | None:
        """How many of them run at the same time; None: all."""
        return self._limit

    def __repr__(self) -> str:
        inside = ", ".join(map(_name, self._members))
        return f"Group.sequence({inside})" if self._in_turn else f"Group.concurrent({inside})"

    def _begin(self, *, in_turn: bool, owner: Started[Any] | None = None) -> GroupHandle:
        session = current()  # the session is made here: that may take a moment, which the job loop has not
        handle = GroupHandle(
            session,
            tuple(self._members),
            in_turn=in_turn,
            limit=self._limit,
            again=lambda: self._begin(in_turn=in_turn),
        )
        self._last = handle
        scope.entrust(handle, owner)
        session.view.started(handle, owner)
        handle.begin()
        return handle


def _name(member: Runnable) -> str:
    return member.name if isinstance(member, Job) else getattr(member, "__name__", repr(member))
