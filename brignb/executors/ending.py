"""What becomes of a job that has ended: its verdict, its outputs, its artifacts."""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import Final

from brignb.executors.artifacts import collect
from brignb.executors.folders import Folders, working_directory
from brignb.executors.outputs import read_outputs
from brignb.model.builds import State
from brignb.model.jobs import JobSpec, JobStatus

SIGNALLED: Final = 128
"""A shell's exit code for a program that a signal ended, less the signal's number."""


def ended_by_itself(exit_code: int | None, container_code: int | None) -> JobStatus:
    """The verdict on a job that nobody told to end.

    Args:
        exit_code: Of its main process, as a shell gives it; None when the container did not tell.
        container_code: Of the container; negative when a signal ended it.
    """
    if exit_code is None:
        return _untold(container_code)
    if exit_code == 0:
        return JobStatus(state=State.SUCCEEDED, exit_code=0)
    if name := _signal(exit_code - SIGNALLED):
        message = f"ended by {name} (exit code {exit_code})"
        return JobStatus(state=State.FAILED, exit_code=exit_code, reason="signal", message=message)
    message = f"ended with exit code {exit_code}"
    return JobStatus(state=State.FAILED, exit_code=exit_code, reason="exit_code", message=message)


def gather(spec: JobSpec, place: Folders, status: JobStatus) -> tuple[JobStatus, list[str]]:
    """Outputs and, of a job that succeeded, artifacts; then its private folders go.

    Returns:
        The status with them, and a sentence for each thing that could not be taken.
    """
    outputs = read_outputs(place.output)
    status, problems = replace(status, outputs=outputs.values), [*outputs.problems]
    if status.succeeded and spec.artifacts:
        status, more = _with_artifacts(spec, place, status)
        problems += more
    try:
        place.clear()
    except OSError as error:
        problems.append(f"its private folder could not be cleared: {error}")
    return status, problems


def _with_artifacts(spec: JobSpec, place: Folders, status: JobStatus) -> tuple[JobStatus, list[str]]:
    folder = working_directory(spec, place)
    if not place.owns(folder):
        return status, [f"artifacts: none are taken from {folder}, which is not the job's"]
    try:
        collected = collect(folder, spec.artifacts, place.artifacts)
    except OSError as error:
        message = f"its artifacts could not be kept: {error}"
        return replace(status, state=State.FAILED, reason="artifacts", message=message), [message]
    return replace(status, artifacts=collected.paths), [*collected.problems]


def _untold(container_code: int | None) -> JobStatus:
    """The container ended without a word on the job."""
    if container_code is not None and container_code >= 0:
        message = "it could not be started; its log says why"
        return JobStatus(state=State.FAILED, reason="start", message=message)
    return JobStatus(state=State.LOST, reason="killed", message="somebody killed what held it together")


def _signal(number: int) -> str | None:
    try:
        return signal.Signals(number).name
    except ValueError:
        return None
