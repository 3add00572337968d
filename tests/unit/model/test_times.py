"""Times in the API are RFC 3339, UTC, milliseconds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brignb.model.times import parse_rfc3339, rfc3339, rfc3339_or_none


@given(st.integers(0, 253_402_300_799_999))
def test_there_and_back(ms):
    """Log cursors and records depend on no millisecond being lost."""
    assert parse_rfc3339(rfc3339(ms)) == ms


def test_the_form():
    assert rfc3339(0) == "1970-01-01T00:00:00.000Z"
    assert rfc3339(1_769_860_800_007) == "2026-01-31T12:00:00.007Z"
    assert rfc3339_or_none(None) is None


@pytest.mark.parametrize("text", ["2026-01-31T12:00:00", "2026-01-31", "yesterday", ""])
def test_times_that_are_none(text):
    """A time without a zone means another moment on another machine."""
    with pytest.raises(ValueError, match=r"Invalid|zone"):
        parse_rfc3339(text)


def test_other_zones():
    assert parse_rfc3339("2026-01-31T13:00:00.5+01:00") == parse_rfc3339("2026-01-31T12:00:00.500Z")
