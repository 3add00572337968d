"""The pipeline as static HTML and text: which handler answers which event, where its source is, and what it last did.

What enters: the registered handlers. What leaves: a display that says the same to GitHub, a terminal and JupyterLab. What must never
happen: an exception (a display has nowhere to tell it), a secret's value, markup of somebody else's.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any, Final

from brignb.errors import BrignbError
from brignb.script import session
from brignb.script.handlers import Handler
from brignb.script.markup import code, escaped, folded, moment, pre, quiet, span, state, state_text, table
from brignb.script.ran import Ran
from brignb.script.tail import plain

LINES_MAX: Final = 200
"""Of a handler's source that are shown."""
NOTHING: Final = "events: no handlers yet"


def render_html(handlers: Sequence[Handler]) -> str:
    """The handlers, as a table with their sources folded."""
    if not handlers:
        return f'<i>{NOTHING}</i><div>write one: <code>@events.on("push")</code></div>'
    rows = [[_types(each), _handler_html(each), _last_html(each.memory.last)] for each in handlers]
    return table(("event", "handler", "last run here"), rows)


def render_text(handlers: Sequence[Handler]) -> str:
    """The handlers, each with what it last did, one or two lines."""
    if not handlers:
        return NOTHING
    lines = ["events:"]
    for each in handlers:
        lines.append(plain(f"  {', '.join(each.types)} → {_signature(each)}  {place_of(each)}".rstrip()))
        lines += [f"      {line}" for line in _last_text(each.memory.last)]
    return "\n".join(lines)


def place_of(handler: Handler) -> str:
    """`In[3]` of a function that was defined in a cell, else file and line; empty when nobody knows."""
    function = _function(handler)
    written = getattr(function, "__code__", None)
    if written is None:
        return ""
    if cell := _cell(function, written.co_filename):
        return cell
    return f"{PurePath(written.co_filename).name}:{written.co_firstlineno}"


def _function(handler: Handler) -> Any:
    return inspect.unwrap(handler.function)


def _cell(function: Any, filename: str) -> str:
    """`In[3]`, from the shell that the function's cell ran in: IPython knows under which number it compiled a file."""
    get_ipython = getattr(function, "__globals__", {}).get("get_ipython")
    shell = get_ipython() if callable(get_ipython) else None
    named = getattr(getattr(shell, "compile", None), "format_code_name", lambda _name: None)(filename)
    return named[1] if named else ""


def _source(handler: Handler) -> str:
    """The function's source; empty when it is not known."""
    try:
        lines = inspect.getsource(_function(handler)).rstrip().split("\n")
    except (OSError, TypeError):
        return ""
    rest = len(lines) - LINES_MAX
    return "\n".join([*lines[:LINES_MAX], *([f"… {rest} more lines"] if rest > 0 else [])])


def _signature(handler: Handler) -> str:
    return f"{handler.name}({', '.join(handler.wants)})"


def _types(handler: Handler) -> str:
    return "<br>".join(code(each) for each in handler.types)


def _handler_html(handler: Handler) -> str:
    summary = f"{code(_signature(handler))} {quiet(place_of(handler))}"
    source = _redacted(_source(handler))
    return folded(summary, pre(source)) if source else summary


def _last_html(ran: Ran | None) -> str:
    if ran is None:
        return quiet("not called yet")
    facts = [f"{state(ran.state)} {quiet(_took(ran))}".rstrip(), quiet(f"{ran.event_type} {ran.event_id}")]
    facts += [escaped(_redacted(ran.error))] if ran.error else []
    facts += [f"job {escaped(job.name)} {state(job.state)}" for job in ran.jobs]
    return "<br>".join([*facts, quiet(moment(ran.at))])


def _last_text(ran: Ran | None) -> list[str]:
    if ran is None:
        return []
    jobs = [f"{job.name} {state_text(job.state)}" for job in ran.jobs]
    head = f"{state_text(ran.state)} {_took(ran)}".rstrip()
    facts = [head, f"{ran.event_type} {ran.event_id}", moment(ran.at), *([f"jobs: {', '.join(jobs)}"] if jobs else [])]
    return [plain(" · ".join(facts)), *([plain(_redacted(ran.error))] if ran.error else [])]


def _took(ran: Ran) -> str:
    return "" if ran.seconds is None else f"in {span(ran.seconds)}"


def _redacted(text: str) -> str:
    """Without the values of secrets; when they cannot be known, since the project file is broken, without the text."""
    if not text:
        return text
    try:
        return session.current().redactor(text)
    except BrignbError as error:
        return f"[not shown: {error.message}]"
