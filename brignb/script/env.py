"""A job's environment: texts, numbers, flags, Kubernetes' `valueFrom`, and outputs of other jobs that are known only later."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Union

from brignb.errors import JobDefinitionError
from brignb.script.fields import refuse, table

if TYPE_CHECKING:
    from brignb.script.job import Job


@dataclass(frozen=True, slots=True)
class Output:
    """An output of a job's last run, read when the job that wants it is run: `env={"WHEEL": build.output("wheel")}`."""

    job: Job
    name: str

    def read(self) -> str:
        """The value.

        Raises:
            JobDefinitionError: The job has not run, has not ended, or did not write it.
        """
        where = f"{self.job.name}.output({self.name!r})"
        handle = self.job.last
        if handle is None or not handle.done():
            problem = "has not run yet" if handle is None else "is still running"
            raise JobDefinitionError(
                f"job {self.job.name} {problem}", where=where, hint="await it first, or put both into Group.sequence(…)"
            )
        if self.name not in handle.outputs:
            known = ", ".join(sorted(handle.outputs)) or "none"
            raise JobDefinitionError(
                f"job {self.job.name} has no such output; it has {known}",
                where=where,
                hint=f'a task writes it by: echo "{self.name}=…" >> "$BRIGNB_OUTPUT"',
            )
        return handle.outputs[self.name]


EnvValue = Union[str, int, float, bool, None, Mapping[str, Any], Output]  # noqa: UP007 - a name for type checkers


def variables(name: str, value: Any) -> dict[str, EnvValue]:
    """Checks names and types; numbers and flags stay what they are until the job runs."""
    found = table(name, value)
    for key, each in found.items():
        if "=" in key or "\0" in key:
            raise JobDefinitionError(f"{key!r:.80} is not a variable's name", where=f"Job.{name}")
        if each is not None and not isinstance(each, str | int | float | Mapping | Output):
            refuse(f"{name}[{key!r}]", "a text, a number, True, False, None or a valueFrom mapping", each, "use str(…)")
    return found


def frozen_variables(values: Mapping[str, EnvValue]) -> dict[str, str | Mapping[str, Any]]:
    """What the job sees: None is empty, as in Brigade v1; True is `true`; an output is read now.

    Raises:
        JobDefinitionError: An output is not there.
    """
    return {key: _frozen(value) for key, value in values.items()}


def _frozen(value: EnvValue) -> str | Mapping[str, Any]:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Output):
        return value.read()
    if isinstance(value, Mapping):
        return copy.deepcopy(dict(value))
    return str(value)
