"""Bundles: whatever an object shows of itself, a journal can be written."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brignb.engine.bundles import clean, clean_bundle, clean_text


@pytest.mark.parametrize(
    ("value", "cleaned"),
    [
        ((1, {2}), [1, [2]]),
        ({1: None}, {"1": None}),
        (b"\x00", "AA=="),
        (float("nan"), "nan"),
        (Fraction(1, 2), 0.5),
        (True, True),
        ("\ud800", "\ufffd"),
        ("\ud83d\ude00", "😀"),
        (range(2), "range(0, 2)"),
    ],
)
def test_what_no_json_holds_becomes_what_json_holds(value: Any, cleaned: Any) -> None:
    assert clean(value) == cleaned


def test_depth_is_bounded() -> None:
    """A list that holds itself has no end."""
    endless: list[Any] = []
    endless.append(endless)
    json.dumps(clean(endless))


def test_bytes_are_base64_and_other_objects_text() -> None:
    """Images come as bytes; a text type is text, whatever stood there."""
    assert clean_bundle({"image/png": b"\x00", "text/plain": 3, "application/vnd.x+json": [1]}) == {
        "image/png": "AA==",
        "text/plain": "3",
        "application/vnd.x+json": [1],
    }


@given(st.text(st.characters()))
def test_any_text_can_be_written(text: str) -> None:
    clean_text(text).encode()
