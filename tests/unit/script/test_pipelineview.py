"""`events` displayed: handlers, sources, what they last did; harmless wherever it is shown."""

from __future__ import annotations

import asyncio
import linecache

import pytest

from brignb import Event, Group, Job, events
from brignb.script.pipelineview import LINES_MAX, render_html, render_text


def shown() -> tuple[str, str]:
    bundle = events._repr_mimebundle_()
    return bundle["text/plain"], bundle["text/html"]


def define(source: str, filename: str = "<cell>", **names) -> None:
    """As a cell would: its source is where `inspect` looks."""
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    exec(compile(source, filename, "exec"), {"events": events, "Job": Job, "Group": Group, **names})


def test_without_handlers_it_says_how_to_write_one(session) -> None:
    """The first thing that a newcomer displays."""
    assert shown()[0] == "events: no handlers yet"
    assert "events.on" in shown()[1]


def test_what_a_handler_last_did(session) -> None:
    """When, for which event, how it ended, and its jobs, those of groups too."""
    define(
        "@events.on('push')\n"
        "async def deploy(event):\n"
        "    await Job('build', tasks=['true'], use_source=False).run()\n"
        "    await Group.concurrent(Job('lint', tasks=['exit 3'], fallible=True, use_source=False))\n"
    )
    assert "not called yet" in shown()[1]
    firing = events.fire("push")
    firing.wait()
    text, html = shown()
    assert "✓ succeeded in" in text
    assert f"push {firing.event.id}" in text
    assert "jobs: build ✓ succeeded, lint ✗ failed" in text
    assert "async def deploy(event):" in html
    assert all(part in html for part in ("job build", "job lint", firing.event.id))


def test_failure_is_told_and_forgotten_when_the_cell_is_run_again(session) -> None:
    """A display must not say of new code what old code did."""
    source = "@events.on('push')\ndef deploy():\n    raise ValueError('no\\nmore')\n"
    define(source)
    with pytest.raises(ValueError, match="no"):
        events.fire("push").wait()
    assert "✗ failed" in shown()[0]
    assert "ValueError: no" in shown()[0]
    define(source)
    assert "failed" not in shown()[0]


async def test_running_and_canceled_are_told_apart(session) -> None:
    """A handler that was interrupted did not fail."""
    started = asyncio.Event()

    @events.on("push")
    async def waits() -> None:
        started.set()
        await asyncio.Event().wait()

    async def fire() -> None:
        await events.fire("push")

    task = asyncio.create_task(fire())
    await started.wait()
    assert "… running" in shown()[0]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert "⊘ canceled" in shown()[0]


def test_cell_number_comes_from_the_shell(session) -> None:
    """`In[7]` is where an author looks; a file's name in a folder of ipykernel's says nothing."""

    class Compile:
        @staticmethod
        def format_code_name(name):
            return ("Cell", "In[7]") if name == "/tmp/ipykernel_1/7.py" else None

    class Shell:
        compile = Compile

    define("@events.on('a')\ndef f(): ...\n", "/tmp/ipykernel_1/7.py", get_ipython=Shell)
    define("@events.on('b')\ndef g(): ...\n", "/tmp/other.py", get_ipython=Shell)
    assert "f()  In[7]" in shown()[0]
    assert "g()  other.py:1" in shown()[0]


def test_hostile_and_secret_text_is_inert(session) -> None:
    """Types, names, sources and errors are anybody's text."""
    define(
        "@events.on('<script>alert(1)</script>\\x1b[2J')\n"
        "def f():\n"
        "    raise ValueError('<img src=x onerror=alert(1)> \\x1b]0;x\\x07 s3cr3t-token-value')  # s3cr3t-token-value\n"
    )
    handler = events._handlers[0]
    with pytest.raises(ValueError, match="img"):
        asyncio.run(_called(handler))
    text, html = shown()
    assert "<script" not in html
    assert "<img" not in html
    assert "\x1b" not in text + html
    assert "s3cr3t" not in text + html
    assert "REDACTED" in html


async def _called(handler) -> None:
    from brignb.script.calling import run_handler

    await run_handler(handler, Event(id="e", type="t", source="cli", project="a/b", build_id="b"), None)


def test_long_sources_are_cut_and_sourceless_ones_shown(session) -> None:
    """A display stays small; a function that was made by `exec` or in C has no source and is a handler all the same."""
    body = "".join(f"    x = {n}\n" for n in range(LINES_MAX + 5))
    define(f"def long():\n{body}\nevents.on('a', long)\n")
    exec("def bare(): ...\nevents.on('b', bare)\n", {"events": events})
    assert "… 6 more lines" in render_html(events._handlers)
    assert "bare()" in render_text(events._handlers)
