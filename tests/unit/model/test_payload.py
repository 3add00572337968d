"""Strict JSON: what is taken, what is refused and where, and that nothing but a PayloadError ever comes out."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from payloads import bodies

from brignb.errors import PayloadError
from brignb.model.payload import DEPTH_MAX, VALUES_MAX, decode, document

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


@pytest.mark.slow
@given(JSON, st.booleans())
def test_what_json_writes_is_read_back(value, ascii_only):
    """The rules refuse nothing that is JSON in UTF-8, however it is escaped."""
    assert decode(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary() | st.text('[]{}",:\\u0dD8cC1eE+-. \n"NaIfinty').map(str.encode))
@example(b'"\\ud800"')
@example(b"[" * 100_000)
@example(b'{"a":' * 100_000)
@example(b"-" + b"9" * 5000)
@example(b"\xff\xfe[\x00]\x00")
@example("[1]".encode("utf-16"))
def test_only_a_payload_error_escapes(body):
    """Strangers choose these bytes; anything else that is raised would be a 500."""
    with suppress(PayloadError):
        json.dumps(decode(body), allow_nan=False).encode()  # what came in can be written again


@given(st.text())
@example("\U0001f600\\")
@example('\\"')
@example("[[[" * 100)
def test_brackets_and_quotes_inside_of_texts_are_no_levels(text):
    """The level count works on bytes with the texts taken out; a text must never be taken for structure, nor hide it."""
    assert decode(json.dumps([text, {text: text}]).encode()) == [text, {text: text}]
    with pytest.raises(PayloadError, match="levels"):
        decode(json.dumps(text).encode().join([b"[", b"," + nested(DEPTH_MAX) + b"]"]))


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"]":', b"}]"), (b'["]",', b"]")])
def test_64_levels_are_the_limit(opening, closing):
    """The contract's number, exactly, whichever brackets make the levels and whatever closers stand in texts."""
    per_step = len([byte for byte in opening.replace(b'"]"', b"") if byte in b"[{"])
    levels = DEPTH_MAX // per_step
    assert decode(opening * levels + b"1" + closing * levels)
    with pytest.raises(PayloadError, match="64 levels"):
        decode(opening * (levels + 1) + b"1" + closing * (levels + 1))


def test_too_deep_says_where():
    """A 400 comes with the place (contract)."""
    with pytest.raises(PayloadError) as caught:
        decode(b'{"[[":\n' + nested(DEPTH_MAX) + b"}")
    assert caught.value.where == "line 2, column 64"


@pytest.mark.parametrize(
    "body", [b"[" * 10_000_000, nested(5_000_000), b'[{"":' * 3_000_000], ids=["open", "paired", "mixed"]
)
def test_brackets_cost_nothing(body):
    """A small attack must not buy a RecursionError; 10 MB take 0.1 s, since they are counted and never parsed."""
    with pytest.raises(PayloadError):
        decode(body)


def test_a_body_cannot_blow_up_the_heap():
    """25 MiB of `[],` would be 500 MiB of lists; texts full of brackets would be as much while they are counted."""
    for many in (b"[],", b"1,", b'"[",'):
        with pytest.raises(PayloadError, match="values"):
            decode(b"[" + many * (VALUES_MAX + 1) + b"1]")
    assert len(decode(b"[" + b"1," * (VALUES_MAX // 2) + b'"' + b"," * 100 + b'"]')) == VALUES_MAX // 2 + 1


@pytest.mark.parametrize(
    ("body", "what", "where"),
    [
        (b"", "Expecting value", "line 1, column 1"),
        (b'{"a": 1,\n "b"}', "delimiter", "line 2, column 5"),
        (b"[1] x", "Extra data", "line 1, column 5"),
        (b'[1,\n "NaN", NaN]', "NaN", "line 2, column 9"),
        (b'{"Infinity": [-Infinity]}', "-Infinity", "line 1, column 15"),
        (b'{"Infinity": [Infinity]}', "Infinity", "line 1, column 15"),
        (b"[1e999]", "1e999 is larger", "body"),
        (b"[-1e999]", "-1e999 is larger", "body"),
        (b'["a\x00b"]', "control character", "line 1, column 4"),
        (b'["a\nb"]', "control character", "line 1, column 4"),
        (b"\xef\xbb\xbf[]", "byte order mark", "line 1, column 1"),
        (b'["\xc3\xa9", "\xff"]', "UTF-8", "line 1, column 9"),
        (b'["\xed\xa0\x80"]', "UTF-8", "line 1, column 3"),
        ("[1]".encode("utf-16-le"), "not JSON", "line 1, column 2"),
        (b'["\\ud800"]', "surrogate", "line 1, column 3"),
        (b'["\\uDC00"]', "surrogate", "line 1, column 3"),
        (b'["\xc3\xa9\\ud83d\\ud83d\\ude00"]', "surrogate", "line 1, column 4"),
        (b'["\\\\\\ud800"]', "surrogate", "line 1, column 5"),
        (b'{"\\udfff": 1}', "surrogate", "line 1, column 3"),
        (b"[" + b"9" * 4301 + b"]", "4,300 digits", "body"),
    ],
)
def test_what_is_refused_and_where(body, what, where):
    """Each rule of the contract, with its place."""
    with pytest.raises(PayloadError) as caught:
        decode(body)
    assert what in caught.value.message
    assert caught.value.where == where


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'"a\\u0000b"', "a\0b"),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"\\uD83D\\uDE00\\n\\\\ud800"', "\U0001f600\n\\ud800"),
        ('"é\U0001f600"'.encode(), "é\U0001f600"),
        (b' \t\r\n{"a": 1, "a": 2} ', {"a": 2}),
        (b"[1e308, 5e-324, -0.0]", [1e308, 5e-324, -0.0]),
        (b"9" * 4300, int("9" * 4300)),
        (b"null", None),
    ],
)
def test_what_is_taken(body, value):
    """An escaped NUL is data; of duplicates the last counts; a pair of escaped surrogates is one character."""
    assert decode(body) == value


def test_the_document_keeps_the_text():
    """The payload is stored as received, so it is decoded once."""
    assert document(b'{"a" : 1}').text == '{"a" : 1}'


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"repository": {"full_name": "o/r"}}', "o/r"),
        (b'{"other": {"repository": {"full_name": "x/y"}}, "repository": {"full_name": "o/r"}}', "o/r"),
        (b'{"repository": {"owner": {"full_name": "x/y", "full_name": "x/z"}, "full_name": "o/r"}}', "o/r"),
        (b'{"a": 1, "a": 2, "repository": {"id": 1, "id": 2, "full_name": "o/r"}}', "o/r"),
        (b'{"repositor\\u0079": {"full\\u005fname": "o/r"}}', "o/r"),
        (b'{"repository": {"full_name": 5}}', None),
        (b'{"repository": "o/r"}', None),
        (b'[{"repository": {"full_name": "o/r"}}]', None),
        (b"{}", None),
    ],
)
def test_full_name_is_that_of_the_top_level(body, name):
    """Whose secret is asked depends on it: a nested one, or one that is no text, must not count."""
    assert document(body).full_name() == name


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b'{"repository": {"full_name": "o/r"}, "repository": {"full_name": "o/r"}}', "repository"),
        (b'{"repository": 1, "repository": {"full_name": "o/r"}}', "repository"),
        (b'{"repository": {}, "repositor\\u0079": {}}', "repository"),
        (b'{"repository": {"full_name": "o/r", "full_name": "x/y"}}', "repository.full_name"),
        (b'{"repository": {"full_name": "o/r", "full\\u005fname": "o/r"}}', "repository.full_name"),
    ],
)
def test_a_second_name_is_refused(body, where):
    """Two parsers may pick different ones; the contract makes it 400 rather than a guess."""
    with pytest.raises(PayloadError) as caught:
        document(body).full_name()
    assert caught.value.where == where


def test_every_body_of_github_is_read_as_json_reads_it():
    """All 329 real bodies."""
    texts = [json.dumps(one).encode() for examples in bodies.github().values() for one in examples]
    assert len(texts) == 329
    assert all(decode(text) == json.loads(text) for text in texts)
