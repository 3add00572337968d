"""Advice on handlers, event types and job names: what a build would refuse, and what would quietly never happen."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from brignb.errors import JobDefinitionError
from brignb.export.problems import ERROR, WARNING, Problem
from brignb.export.wording import NamedJob, Said
from brignb.model.eventtypes import is_known, nearest
from brignb.model.names import job_name

IDLE: Final = "idle-handler"
EVENT_TYPE: Final = "event-type"
JOB_NAME: Final = "job-name"
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9-]")
_MAGIC_JOB = re.compile(r"\s*%%job[ \t]+(?P<name>[^\s-]\S*)")


def check_words(spoken: Said, listed: Sequence[str] | None) -> Iterator[Problem]:
    """What a notebook says in brignb's words.

    Args:
        spoken: What it says.
        listed: The types in its `metadata.brignb.on`.
    """
    kept = [each for each in spoken.handlers if each.cell.kept]
    for handler in kept:
        for text, line in handler.types:
            yield from _type(text, spoken, cell=handler.cell.number, line=line)
    for text in listed or ():
        yield from _type(text, spoken, cell=0, line=0)
    if spoken.handlers and not kept:
        only = spoken.handlers[0]
        yield Problem(
            "a handler is registered here, in a cell that no build runs; the notebook has no other",
            only.cell.number,
            only.line,
            f"take the tag off cell {only.cell.number}",
            WARNING,
            IDLE,
        )
    for cell, line, name in spoken.idle if spoken.speaks else ():
        if cell.kept:
            yield Problem(
                f"{name} takes what a handler takes, but no event reaches it: nothing registers or calls it",
                cell.number,
                line,
                f'write @events.on("{name if is_known(name) else "push"}") above it',
                WARNING,
                IDLE,
            )
    for job in spoken.jobs:
        if complaint := _name(job):
            severity = ERROR if job.cell.kept else WARNING
            yield Problem(*complaint[:1], job.cell.number, job.line, complaint[1], severity, JOB_NAME)


def check_job_magic(number: int, source: str) -> Iterator[Problem]:
    """The name in a cell's `%%job NAME IMAGE`."""
    if (found := _MAGIC_JOB.match(source)) and (complaint := _bad(found["name"])):
        yield Problem(complaint[0], number, 1, complaint[1], WARNING, JOB_NAME)


def _type(text: str, spoken: Said, *, cell: int, line: int) -> Iterator[Problem]:
    if is_known(text) or text in spoken.emitted:
        return
    near = nearest(text, spoken.emitted)
    guess = f"; did you mean {near!r}?" if near else ""
    where = "" if cell else "`metadata.brignb.on`: "
    raised = f"an event of one's own is raised by events.emit({text!r}) or: brignb event create -t {text}"
    yield Problem(
        f"{where}no gateway gives events of the type {text!r}{guess}", cell, line, raised, WARNING, EVENT_TYPE
    )


def _name(job: NamedJob) -> tuple[str, str] | None:
    if job.whole:
        return _bad(job.pieces[0])
    for piece in job.pieces:
        if found := _NOT_IN_A_NAME.search(piece):
            return f"{found[0]!r} cannot stand in a job's name", "a DNS label: a-z, 0-9 and -, at most 36 characters"
    return None


def _bad(name: str) -> tuple[str, str] | None:
    try:
        job_name(name)
    except JobDefinitionError as error:
        return error.message, error.hint
    return None
