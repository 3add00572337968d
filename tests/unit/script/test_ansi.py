"""Terminal colours in static HTML: what is kept, and that nothing else comes through."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brignb.script.ansi import ansi_html


@pytest.mark.parametrize(
    ("line", "html"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m rest", '<span style="color:#cf222e">red</span> rest'),
        ("\x1b[1;4mboth\x1b[24mone", '<span style="font-weight:bold;text-decoration:underline">both</span>'),
        ("\x1b[38;5;196mx", '<span style="color:#ff0000">x</span>'),
        ("\x1b[38;5;244mx", '<span style="color:#808080">x</span>'),
        ("\x1b[48;2;1;2;300mx", '<span style="background-color:#01022c">x</span>'),
        ("\x1b[2J\x1b]0;title\x07x\x1b[", "x"),
        ("<b>\x1b[32m&", '&lt;b&gt;<span style="color:#116329">&amp;</span>'),
        ("\x1b[38mx\x1b[38;7mx\x1b[3", "xx"),
    ],
)
def test_known(line, html) -> None:
    """By example."""
    assert ansi_html(line).startswith(html)


def test_a_bomb_becomes_plain_text() -> None:
    """A thousand changes of colour would be a thousand elements in a record."""
    assert "<" not in ansi_html("\x1b[31m.\x1b[32m." * 1000)


@given(st.text(alphabet="\x1b[;m0123489<>&\"'ax]\x07\u202e:", max_size=80))
def test_only_spans_come_out(line) -> None:
    """Whatever a job prints: no other tag, no quote that ends an attribute, no control character."""
    html = ansi_html(line)
    rest = re.sub(r'<span style="[a-z#0-9:;. -]*">|</span>', "", html)
    assert not {"<", ">", '"', "\x1b", "\x07", "\u202e"} & set(rest)
    assert html.count("<span") == html.count("</span>")
