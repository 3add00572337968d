"""A payload as a tree: bounded, and inert whatever it holds."""

from __future__ import annotations

import json

import pytest

from brignb.magics.timeline import Bar, bars
from brignb.magics.tree import NODES_MAX, outline, tree


def test_tree_opens_its_first_level() -> None:
    """What is seen at once is what there is, not its insides."""
    html = tree('{"ref": "main", "n": [1, null, {"deep": true}], "empty": {}}')
    assert html.startswith("<details open><summary>")
    assert html.count("<details>") == 2
    assert all(word in html for word in ("ref", "main", "3 items", "null", "true", "{}"))


@pytest.mark.parametrize(
    "payload", ["<script>alert(1)</script>", '{"<img src=x onerror=alert(1)>": "<script>\\u001b[2J\\u202e"}']
)
def test_strangers_markup_is_text(payload) -> None:
    """Anybody may send an event."""
    html = tree(payload)
    assert "<script" not in html
    assert "<img" not in html
    assert "\x1b" not in html
    assert "\u202e" not in html


def test_tree_is_bounded() -> None:
    """25 MiB of payload must not become 25 MiB of page."""
    wide = tree(json.dumps({str(n): list(range(300)) for n in range(300)}))
    assert wide.count("<div>") < NODES_MAX * 2
    assert "more</span>" in wide
    deep = tree("[" * 40 + "1" + "]" * 40)
    assert "too deep to be shown" in deep
    assert "8000 characters more" in tree(json.dumps({"x": "y" * 10_000}))
    assert "9800 characters more" in tree(json.dumps({"k" * 10_000: 1}))
    assert tree("[" * 100_000).startswith("<pre")


def test_outline_is_for_terminals() -> None:
    """The same in a few lines of text."""
    assert outline("") == "no payload"
    assert outline('{"a": 1}') == '{\n  "a": 1\n}'
    assert outline("\x1b[2Jtext") == "text"
    assert outline(json.dumps(list(range(100)))).endswith("more lines")


def test_bars() -> None:
    """A bar for each, never outside of the axis, each with its words."""
    html = bars([Bar("waiting", "pending", 0, 500), Bar("job <b>", "failed", 999, 1000)])
    assert "time line, 1.0 s in all" in html
    assert "job &lt;b&gt;: 1 ms, 999 ms after the begin" in html
    assert "margin-left:99.60%;width:0.40%" in html
    assert bars([]) == bars([Bar("a", "succeeded", 5, 5)]) == ""
