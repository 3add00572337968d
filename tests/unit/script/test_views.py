"""Static displays: readable where nothing runs, harmless wherever they are shown."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from brignb import Job, JobFailed
from brignb.script.markup import span
from brignb.script.views import render_html, render_text


class Checker(HTMLParser):
    """Knows the tags that GitHub and nbconvert leave alone, and that each is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag, attrs) -> None:
        self.open.append(tag)
        self.seen.add(tag)
        assert {name for name, _value in attrs} <= {"style", "open"}

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag


def checked(html: str) -> set[str]:
    checker = Checker()
    checker.feed(html)
    assert checker.open == []
    return checker.seen


def test_ended_well(session) -> None:
    """Facts, outputs, tail; folded."""
    handle = Job("build", "img:1", tasks=["echo hello", 'echo wheel=w.whl >> "$BRIGNB_OUTPUT"']).run().wait()
    text, html = render_text(handle), render_html(handle)
    assert checked(html) <= {"details", "summary", "b", "span", "code", "pre", "table", "tr", "td", "div"}
    assert html.startswith("<details><summary><b>build</b>")
    for fact in ("succeeded", "exit code 0", "img:1", handle.id, "wheel", "w.whl", "hello"):
        assert fact in text
        assert fact in html


def test_failed_is_open(session) -> None:
    """Who opens a record of a failed build wants to see why."""
    handle = Job("bad", tasks=["echo why", "exit 7"]).run()
    with pytest.raises(JobFailed):
        handle.wait()
    assert render_html(handle).startswith("<details open>")
    assert "exit code 7" in render_text(handle)


def test_running_says_so(session) -> None:
    """A view is drawn before there is anything to tell."""
    handle = Job("long", tasks="sleep 60").run()
    assert "…" in render_text(handle)
    checked(render_html(handle))
    handle.cancel()


def test_nothing_escapes(session) -> None:
    """Log and outputs are a stranger's text: no tag, no control sequence, no secret comes through."""
    evil = "<script>alert(1)</script>\\033[2J\\033]0;t\\007\\342\\200\\256"
    handle = Job(
        "evil",
        "<img>",
        tasks=[f"printf '{evil}\\n'", f'printf \'o={evil}%s\\n\' "$TOKEN" >> "$BRIGNB_OUTPUT"'],
        env={"TOKEN": session.secrets["TOKEN"]},
    )
    handle = handle.run().wait()
    assert "s3cr3t-token-value" in handle.outputs["o"]  # the author's own code may have it
    for shown in (render_text(handle), render_html(handle)):
        assert not {"\x1b", "\x07", "\u202e"} & set(shown)
        assert "s3cr3t" not in shown
    checked(render_html(handle))


def test_long_values_are_cut_and_marked(session) -> None:
    """A record must stay readable."""
    handle = Job("x", tasks='printf "o=%0600d\\n" 7 >> "$BRIGNB_OUTPUT"').run().wait()
    assert "[brignb: cut, 100 characters, rest in outputs]" in render_text(handle)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.04, "40 ms"),
        (0.9996, "1.0 s"),
        (59.97, "1 min 0 s"),
        (119.7, "2 min 0 s"),
        (125, "2 min 5 s"),
        (5400, "1 h 30 min"),
    ],
)
def test_spans_are_rounded_once(seconds, told) -> None:
    """Not `1000 ms`, `60.0 s` or `1 min 60 s`."""
    assert span(seconds) == told
