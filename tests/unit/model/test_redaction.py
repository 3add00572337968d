"""No known secret leaves in any of the forms that programs print it in, however the text is cut."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from brignb.model.redaction import MARK, Redactor

SECRET = 'p@ss w0rd"<&>\\é'
# Few letters, so that values overlap each other, themselves and the cuts.
VALUES = st.lists(st.text("ab\n", min_size=6, max_size=9), min_size=1, max_size=3)
CHUNKS = st.lists(st.text("ab\n", max_size=7), max_size=12)


@pytest.mark.parametrize(
    "printed",
    [
        SECRET,
        repr(SECRET),
        json.dumps(SECRET),
        json.dumps(SECRET, ensure_ascii=False),
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        html.escape(SECRET),
        html.escape(SECRET, quote=False),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
    ],
)
def test_the_forms_of_a_value(printed):
    """Logs, tracebacks, JSON bodies, URLs, HTML tables, `Authorization: Basic`."""
    shown = Redactor([SECRET])(f"before {printed} after")
    assert shown.startswith("before ")
    assert shown.endswith(" after")
    assert MARK in shown
    assert "p@ss" not in shown
    assert "w0rd" not in shown


def test_lines_of_a_value():
    """A key is printed line by line; its short last line says nothing."""
    redact = Redactor(["-----BEGIN KEY-----\nAAAABBBBCCCC\nDDDD==\nxy\n"])
    assert redact("AAAABBBBCCCC") == MARK
    assert redact("a DDDD== b xy") == f"a {MARK} b xy"


def test_short_values_are_left_alone():
    """Replacing `a` would garble everything."""
    assert Redactor(["abcde", ""])("abcde") == "abcde"
    assert Redactor()("text") == "text"


def test_longer_values_first():
    """The rest of a value must not stay because its beginning is a value too."""
    assert Redactor(["secret", "secret-and-more"])("secret-and-more secret") == f"{MARK} {MARK}"


def test_trees():
    """Records and events are JSON: texts and keys, at any depth."""
    tree = {"k": ["x s3cr3t-value", 1, None], "s3cr3t-value": {"a": ("s3cr3t-value",)}}
    assert Redactor(["s3cr3t-value"]).tree(tree) == {"k": [f"x {MARK}", 1, None], MARK: {"a": [MARK]}}


@given(VALUES, CHUNKS)
@example(["aaaaaa"], ["aaaa", "aaaa"])
@example(["ababab", "abababab"], ["ababab", "ab"])
def test_a_stream_shows_what_the_whole_text_would(values, chunks):
    """The issue: redacted across chunks. However the text is cut, the outcome is the same."""
    redact = Redactor(values)
    stream = redact.stream()
    assert "".join([*(stream.feed(chunk) for chunk in chunks), stream.flush()]) == redact("".join(chunks))


@given(VALUES, CHUNKS)
def test_a_stream_never_shows_the_beginning_of_a_value(values, chunks):
    """At no moment is a whole value visible, even before the flush."""
    stream = Redactor(values).stream()
    shown = ""
    for chunk in chunks:
        shown += stream.feed(chunk)
        for value in values:
            for line in value.split("\n"):
                assert len(line) < 6 or line not in shown


def test_a_stream_keeps_back_only_what_it_must():
    """A prompt without a newline is seen at once."""
    stream = Redactor(["s3cr3t-value"]).stream()
    assert stream.feed("password: ") == "password: "
    assert stream.feed("s3cr") == ""
    assert stream.feed("ap\n") == "s3crap\n"
