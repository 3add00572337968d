"""`job`: what `%%job` does, as a function: make a job, run it, and not wait for it.

    build = job("build", "python:3.12-slim", "python -m build", artifacts="dist/*")
    job("check", tasks="twine check dist/*", needs=[build])         # when build has succeeded, with its artifacts

A job that needs others is a group: the others' ends, then the job. One of them that fails, fails it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from brignb.errors import JobDefinitionError
from brignb.script.group import Group
from brignb.script.grouphandle import GroupHandle
from brignb.script.handle import JobHandle
from brignb.script.job import Job
from brignb.script.started import Started

_waiting: WeakKeyDictionary[Job, GroupHandle] = WeakKeyDictionary()
"""Of jobs that were begun here and need others."""


def job(
    name: str,
    image: str | None = None,
    tasks: str | Sequence[str] = (),
    *,
    needs: Iterable[Job | JobHandle] = (),
    **fields: Any,
) -> JobHandle | GroupHandle:
    """Make a job and run it; `%%job` is this. It answers at once; `.wait()` or `await` what it answers.

    Args:
        name: A DNS label.
        image: What it runs in, where there are containers.
        tasks: Its script.
        needs: Jobs that have been run: it begins when they have succeeded, and finds their artifacts in its source.
        fields: Others of `Job`'s.

    Raises:
        JobDefinitionError: It cannot be started as it is written, or a job that it needs has not run, or has failed.
    """
    needed = list(needs)
    return begin(Job(name, image, tasks, inputs=needed, **fields), needed)


def begin(made: Job, needs: Sequence[Job | JobHandle]) -> JobHandle | GroupHandle:
    """Run a job, now or when those that it needs have succeeded.

    Raises:
        JobDefinitionError: As `job`.
    """
    awaited = [_begun(each, made.name) for each in needs]
    for each in awaited:
        if each.failure is not None:
            raise JobDefinitionError(
                f"{each.what} did not succeed", where=f"job {made.name} needs it", hint="mend it, and run it again"
            )
    if all(each.done() for each in awaited):
        return made.run()
    handle = Group.sequence(_gate(awaited), made).run()
    _waiting[made] = handle
    return handle


def _begun(need: Job | JobHandle, name: str) -> Started[Any]:
    """What is waited for of a job that is needed: its last run, or that it comes to one."""
    if isinstance(need, JobHandle):
        return need
    waiting = _waiting.get(need)
    if waiting is not None and not waiting.done():
        return waiting
    if need.last is None:
        raise JobDefinitionError(
            f"job {need.name} has not run yet", where=f"job {name} needs it", hint="run its cell first"
        )
    return need.last


def _gate(awaited: Sequence[Started[Any]]) -> Callable[[], Awaitable[None]]:
    async def needed() -> None:
        """Until all of them have ended; the first failure is this step's."""
        for each in awaited:
            await each

    return needed
