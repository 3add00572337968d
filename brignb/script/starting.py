"""From the author's `Job` to a run: a picture of it is taken, then it is shown, then it begins."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from brignb.errors import JobDefinitionError
from brignb.model.jobs import JobSpec
from brignb.script import scope
from brignb.script.env import frozen_variables
from brignb.script.handle import JobHandle
from brignb.script.options import Option
from brignb.script.running import Order
from brignb.script.session import Session, current

if TYPE_CHECKING:
    from brignb.script.job import Input, Job
    from brignb.script.started import Started

_OF_THE_RUN: Final = ("retries", "retry_delay", "fallible")
"""Fields that are not of a try, and so not of its specification."""


def start(job: Job, *, owner: Started[Any] | None, fresh: bool) -> JobHandle:
    """Begin a run of the job; `Job.run` is this.

    Raises:
        JobDefinitionError: It cannot be started as it is written.
        BrignbError: This process was forked from the one that runs jobs.
    """
    session = current()
    session.refuse_elsewhere("Job.run")
    order = specify(job, session, fresh=fresh)
    handle = JobHandle(session, order, job.run)
    scope.entrust(handle, owner)
    session.view.started(handle, owner)
    handle.begin()
    return handle


def specify(job: Job, session: Session, *, fresh: bool = False) -> Order:
    """What is run: every field checked once more, since lists and dicts may have been changed, and out of reach of later changes.

    Raises:
        JobDefinitionError: A field has a wrong type or value, or an output or an input is not there.
    """
    taken = job.check()
    inputs: list[Input] = taken["inputs"]
    if taken["tasks"] and taken["command"]:
        raise JobDefinitionError(
            "a job has tasks or a command, not both", where=f"Job({job.name!r})", hint="a command replaces the shell"
        )
    of_the_run = {name: taken.pop(name) for name in _OF_THE_RUN}
    of_the_try = {
        "env": frozen_variables(taken.pop("env")),
        "inputs": tuple(_input_ids(taken.pop("inputs"), job.name)),
        **{name: _frozen(value) for name, value in taken.items()},
    }
    spec = JobSpec(
        id="",
        build_id=session.build_id,
        attempt=session.attempt,
        project=session.project_name,
        namespace=session.namespace,
        **of_the_try,
    )
    return Order(
        spec=spec,
        run=session.next_run(job.name),
        fresh=fresh,
        inputs=tuple(map(_run_of, inputs)),
        **of_the_run,
    )


def _frozen(value: Any) -> Any:
    if isinstance(value, Option):
        return value.freeze()
    return tuple(copy.deepcopy(value)) if isinstance(value, list) else copy.deepcopy(value)


def _run_of(given: Input) -> JobHandle | None:
    if isinstance(given, str):
        return None
    return given if isinstance(given, JobHandle) else given.last


def _input_ids(inputs: Iterable[Input], name: str) -> Iterable[str]:
    for each in inputs:
        if isinstance(each, str):
            yield each
        elif each.id is None:
            raise JobDefinitionError(
                f"job {each.name} has not run yet", where=f"Job({name!r}).inputs", hint="run it first"
            )
        else:
            yield each.id
