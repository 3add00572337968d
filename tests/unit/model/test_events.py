"""Events are data: revisions cannot be options, payloads survive as they were received."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brignb.errors import BadInput
from brignb.model.events import REVISION_MAX, Event, Image, Revision

EVENT = Event(id="E", type="push", source="github", project="o/r", build_id="B")


@pytest.mark.parametrize("text", ["a" * 40, "A" * 40, "0" * 64])
def test_commits_are_told_by_their_digits(text):
    """The contract: 40 or 64 hex digits; git writes them in lower case."""
    assert Revision.parse(text) == Revision(commit=text.lower())


@pytest.mark.parametrize("text", ["main", "refs/heads/x", "abc1234", "a" * 41, "ünïcode"])
def test_everything_else_is_a_ref(text):
    assert Revision.parse(text) == Revision(ref=text)


@pytest.mark.parametrize("text", [None, ""])
def test_nothing_is_the_head(text):
    assert Revision.parse(text) == Revision()


@pytest.mark.parametrize(
    "text", ["--upload-pack=x", "-", "a b", "a\nb", "a\0", "a\x7f", "a\x9b31m", "x" * (REVISION_MAX + 1)]
)
def test_no_revisions(text):
    """What git could take for an option or for two arguments, and what no file system takes."""
    with pytest.raises(BadInput):
        Revision.parse(text)


@pytest.mark.parametrize(
    ("type_", "pattern", "yes"),
    [
        ("push", "push", True),
        ("push", "*", True),
        ("pull_request:opened", "pull_request", True),
        ("pull_request:opened", "pull_request:opened", True),
        ("pull_request:opened", "pull_request:closed", False),
        ("pull_request", "pull_request:opened", False),
        ("a:b:c", "a", True),
        ("a:b:c", "a:b", False),
    ],
)
def test_which_handlers_match(type_, pattern, yes):
    """The contract: the type itself, its part before the colon, `*`."""
    assert Event(**{**EVENT.to_json(), "type": type_, "revision": Revision()}).matches(pattern) is yes


def test_data_is_the_decoded_payload():
    """What is no JSON is None, not an error in the author's handler; deep nesting too."""

    def data(payload):
        return Event(id="", type="x", source="", project="", build_id="", payload=payload).data

    assert data('{"a": ["\\u0000"]}') == {"a": ["\0"]}
    for nothing in ("", "{", "no", "[" * 100_000):
        assert data(nothing) is None


@given(
    st.text(),
    st.none() | st.builds(Image, st.none() | st.text(), st.text(), st.none() | st.text()),
    st.none() | st.just({"a": [1]}),
)
def test_events_travel_as_json(payload, image, cause):
    """From the server to a worker, over a socket."""
    event = Event(id="E", type="t", source="s", project="p", build_id="B", payload=payload, image=image, cause=cause)
    assert Event.from_json(json.loads(json.dumps(event.to_json()))) == event
