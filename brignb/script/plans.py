"""What a job or a group would run, as static HTML and text: before its first run there is nothing else to show.

Of `env` the names only: values may be secrets.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any, Final

from brignb.script.group import Group
from brignb.script.job import Job
from brignb.script.tail import plain
from brignb.script.tree import order, rows

_DEFAULT: Final = Job("default").check()
_SHOWN: Final = ("image", "tasks", "command", "args", "env", "timeout")
"""Always, when there is something; of the others those that differ from their defaults."""
_CUT: Final = 2000
"""Characters of a value."""


def render_text(what: Job | Group) -> str:
    """In plain text."""
    if isinstance(what, Group):
        lines = [f"{'  ' * row.depth}{row.label}" for row in rows(what)]
        return "\n".join([f"group, not run yet: {order(what)}", *(f"  {line}" for line in lines)])
    facts = [f"  {name}: {value.replace(chr(10), chr(10) + '    ')}" for name, value in _fields(what)]
    return "\n".join([f"job {what.name}, not run yet", *facts])


def render_html(what: Job | Group) -> str:
    """In HTML, for `display`."""
    if isinstance(what, Group):
        lines = "\n".join(f"{'    ' * row.depth}{html.escape(row.label)}" for row in rows(what))
        return (
            f"<details open><summary><b>group</b> · not run yet · {order(what)}</summary><pre>{lines}</pre></details>"
        )
    cells = "".join(
        f'<tr><td style="text-align:left;vertical-align:top">{name}</td>'
        f'<td style="text-align:left"><pre style="white-space:pre-wrap;margin:0;background:transparent">{html.escape(value)}</pre></td></tr>'
        for name, value in _fields(what)
    )
    return f"<details open><summary><b>{html.escape(what.name)}</b> · not run yet</summary><table>{cells}</table></details>"


def _fields(job: Job) -> Iterator[tuple[str, str]]:
    taken = job.check()
    for name, value in taken.items():
        if (name in _SHOWN and value) or (name != "name" and value != _DEFAULT[name]):
            yield name.replace("_", " "), _short(plain(_said(name, value)))


def _said(name: str, value: Any) -> str:
    if name == "env":
        return ", ".join(value)
    if name in {"tasks", "command", "args"}:
        return "\n".join(value)
    if name == "inputs":
        return ", ".join(each if isinstance(each, str) else each.name for each in value)
    if name == "timeout":
        return f"{value:g} s"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _short(text: str) -> str:
    return text if len(text) <= _CUT else text[:_CUT] + "…"
