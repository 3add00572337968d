"""A group as static HTML and text: a table with a time line drawn in characters, the critical path in words, its jobs' logs.

The same manners as `views`: only what sanitisers leave alone, everything escaped, redacted, free of control sequences.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from brignb.model.builds import State
from brignb.script import views
from brignb.script.critical import critical_path
from brignb.script.grouphandle import GroupHandle
from brignb.script.handle import JobHandle
from brignb.script.markup import COLOURS, span
from brignb.script.tree import Row, order, rows

WIDTH: Final = 24
"""Characters of the time line."""
LOGS_MAX: Final = 50
"""Jobs whose logs are shown, 20 kB each at the most: more than 3 MB at once jupyter_server drops (`iopub_data_rate_limit`)."""
CRITICAL: Final = "◆"
_INDENT: Final = "\N{NO-BREAK SPACE}" * 4


@dataclass(frozen=True, slots=True)
class _Look:
    """What all rows of one drawing have in common.

    Args:
        path: The critical path.
        axis: The first start and the last end so far; None before anything has started.
        waiting: What is said of a member that was not started.
    """

    path: list[JobHandle]
    axis: tuple[datetime, datetime] | None
    waiting: str


def render_text(group: GroupHandle) -> str:
    """A group in plain text: one line a member, and the critical path."""
    look = _look(group)
    table = [(_name(row, "  "), *_cells(row, look)) for row in rows(group)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in table]
    return "\n".join([", ".join(_facts(group)), *(f"  {line}" for line in lines), *_words(look.path)])


def render_html(group: GroupHandle) -> str:
    """A group in HTML, folded when it went well; logs once it has ended."""
    state, *rest = map(html.escape, _facts(group))
    head = f'<b>group</b> <span style="color:{COLOURS[group.state]}">{state}</span>'
    look = _look(group)
    body = "".join(_html_row(row, look) for row in rows(group))
    words = "".join(f"<div>{html.escape(line)}</div>" for line in _words(look.path))
    logs = "".join(_logs(group))
    opened = "" if group.state is State.SUCCEEDED else " open"
    summary = f"<summary>{' · '.join([head, *rest])}</summary>"
    return f"<details{opened}>{summary}<table>{body}</table>{words}{logs}</details>"


def critical_words(path: Iterable[JobHandle]) -> str:
    """`build → test (14.2 s)`; empty for one job or none, which says nothing."""
    jobs = list(path)
    if len(jobs) < 2:  # noqa: PLR2004 - see above
        return ""
    took = sum(job.duration or 0 for job in jobs)
    return f"{' → '.join(job.name for job in jobs)} ({span(took)})"


def _html_row(row: Row, look: _Look) -> str:
    name = html.escape(_name(row, _INDENT))
    if row.group:
        return f'<tr><td style="text-align:left" colspan="4">{name}</td></tr>'
    state, bar, took, mark = _cells(row, look)
    style = f"color:{COLOURS[row.job.state]}" if row.job else ""
    return (
        f'<tr><td style="text-align:left">{name} {mark}</td><td style="text-align:left;{style}">{html.escape(state)}</td>'
        f'<td style="text-align:left"><code>{bar}</code></td><td>{took}</td></tr>'
    )


def _name(row: Row, indent: str) -> str:
    return indent * row.depth + row.label


def _cells(row: Row, look: _Look) -> tuple[str, str, str, str]:
    """State, time line, duration, mark."""
    job = row.job
    if job is None:
        return ("" if row.group else look.waiting, "", "", "")
    took = "" if job.duration is None else span(job.duration)
    mark = CRITICAL if len(look.path) > 1 and job in look.path else ""
    return views.word(job), _bar(job, look.axis), took, mark


def _look(group: GroupHandle) -> _Look:
    begun = [job for job in group.handles if job.started_at]
    begin = min((job.started_at for job in begun if job.started_at), default=None)
    axis = (begin, max(job.finished_at or group.now for job in begun)) if begin else None
    return _Look(critical_path(group), axis, "skipped" if group.state.terminal else "waits")


def _bar(job: JobHandle, axis: tuple[datetime, datetime] | None) -> str:
    """`··███···`: when it ran, between the group's first start and its last end."""
    if axis is None or job.started_at is None:
        return ""
    begin, end = axis
    first = round(_share(job.started_at, begin, end) * (WIDTH - 1))
    last = round(_share(job.finished_at or end, begin, end) * (WIDTH - 1))
    return "·" * first + "█" * (last - first + 1) + "·" * (WIDTH - 1 - last)


def _share(moment: datetime, begin: datetime, end: datetime) -> float:
    whole = (end - begin).total_seconds()
    return min(max((moment - begin).total_seconds() / whole, 0), 1) if whole > 0 else 0


def _facts(group: GroupHandle) -> list[str]:
    jobs = group.handles
    begun = [job.started_at for job in jobs if job.started_at]
    ended = [job.finished_at for job in jobs if job.finished_at]
    took = [span((max(ended) - min(begun)).total_seconds())] if begun and ended and group.state.terminal else []
    return [views.stated(group.state), f"{len(jobs)} job{'' if len(jobs) == 1 else 's'}, {order(group)}", *took]


def _words(path: list[JobHandle]) -> list[str]:
    words = critical_words(path)
    return [f"critical path ({CRITICAL}): {words}"] if words else []


def _logs(group: GroupHandle) -> Iterator[str]:
    """Of jobs that did not succeed rather than of others. While it runs there are none: they would be sent anew with every change."""
    jobs = group.handles if group.state.terminal else ()
    chosen = set(sorted(jobs, key=lambda job: job.state is State.SUCCEEDED)[:LOGS_MAX])
    yield from (views.render_html(job) for job in jobs if job in chosen)
    if rest := len(jobs) - len(chosen):
        yield f"<div>… {rest} more jobs, their logs not shown here</div>"
