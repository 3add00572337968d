"""A job as static HTML and text: what a record shows, on GitHub and in nbconvert too.

Only tags and attributes that their sanitisers leave alone, and no scripts. State is said in words, since colours may be taken away.
Everything is escaped, redacted, and free of terminal control sequences.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Final

from brignb.model.builds import State
from brignb.script.ansi import ansi_html
from brignb.script.markup import COLOURS, MARKS, span
from brignb.script.tail import plain

if TYPE_CHECKING:
    from brignb.script.handle import JobHandle

VALUE_MAX: Final = 500
"""Characters of an output's value that are shown."""


def render_text(handle: JobHandle) -> str:
    """A job in plain text: one line of facts, its outputs, the log's tail."""
    outputs = [f"  {name} = {value}" for name, value in _outputs(handle)]
    tail = [f"  | {line}" for line in handle.tail]
    return "\n".join([f"{handle.name}: {'  '.join(_facts(handle))}", *_why(handle, "  "), *outputs, *tail])


def render_html(handle: JobHandle) -> str:
    """A job in HTML, folded when it went well."""
    state, *rest = map(html.escape, _facts(handle))
    head = f'<b>{html.escape(handle.name)}</b> <span style="color:{COLOURS[handle.state]}">{state}</span>'
    facts = " · ".join([head, *rest])
    why = "".join(f"<div>{html.escape(line)}</div>" for line in _why(handle, ""))
    rows = "".join(
        f"<tr><td><code>{html.escape(name)}</code></td><td><code>{html.escape(value)}</code></td></tr>"
        for name, value in _outputs(handle)
    )
    table = f"<table>{rows}</table>" if rows else ""
    log = "\n".join(map(ansi_html, handle.coloured_tail))
    log = f'<pre style="font-family:monospace;margin:0.3em 0;white-space:pre-wrap">{log}</pre>' if log else ""
    opened = "" if handle.state is State.SUCCEEDED else " open"
    return f"<details{opened}><summary>{facts}</summary>{why}{table}{log}</details>"


def _facts(handle: JobHandle) -> list[str]:
    """State, exit code, duration, try, image, id; what there is of them."""
    facts = [stated(handle.state)]
    if handle.stage and handle.state is State.PENDING:  # a pod that is scheduled, whose image is pulled, …
        facts.append(handle.stage)
    if handle.exit_code is not None:
        facts.append(f"exit code {handle.exit_code}")
    elif handle.reason:
        facts.append(handle.reason)
    if handle.duration is not None:
        facts.append(span(handle.duration))
    if handle.remembered:
        facts.append("remembered")
    if handle.attempt > 1:
        facts.append(f"try {handle.attempt}")
    if handle.image:
        facts.append(_clean(handle, handle.image))
    return [*facts, handle.id]


def stated(state: State) -> str:
    """A state in a mark and a word."""
    return f"{MARKS[state]} {state}{'' if state.terminal else '…'}"


def word(handle: JobHandle) -> str:
    """Its state, with the exit code when it failed."""
    return stated(handle.state) + (f", exit code {handle.exit_code}" if handle.exit_code else "")


def _why(handle: JobHandle, indent: str) -> list[str]:
    return [f"{indent}{_clean(handle, handle.message)}"] if handle.message else []


def _outputs(handle: JobHandle) -> list[tuple[str, str]]:
    return [(_clean(handle, name), _short(_clean(handle, value))) for name, value in handle.outputs.items()]


def _clean(handle: JobHandle, text: str) -> str:
    return plain(handle.redacted(text))


def _short(value: str) -> str:
    rest = len(value) - VALUE_MAX
    return value if rest <= 0 else f"{value[:VALUE_MAX]}… [brignb: cut, {rest} characters, rest in outputs]"
