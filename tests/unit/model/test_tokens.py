"""Tokens of workers: each is good for what it was made for, and for nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brignb.model.tokens import BuildClaim, PoolClaim, Tokens

TOKENS = Tokens(b"k" * 32)
BUILD = "01JD0000000000000000000000"


def test_a_token_claims_what_it_was_made_for() -> None:
    """Also by another server that has the same key: workers outlive the one that made it."""
    other = Tokens(b"k" * 32)
    assert other.claim(TOKENS.build(BUILD, 2)) == BuildClaim(BUILD, 2)
    assert other.claim(TOKENS.pool("example/démo.app")) == PoolClaim("example/démo.app")
    assert other.claim(TOKENS.pool("example/demo", "pod-1")) == PoolClaim("example/demo", "pod-1")


@pytest.mark.parametrize("change", ["another attempt", "another kind", "another key", "cut", "no token"])
def test_whatever_was_changed_is_no_token(change: str) -> None:
    """A worker that edits its token, or makes one, must not get another build."""
    token = TOKENS.build(BUILD, 1)
    changed = {
        "another attempt": token.replace(".1.", ".2."),
        "another kind": token.replace("brignb-build", "brignb-pool"),
        "another key": Tokens(b"j" * 32).build(BUILD, 1),
        "cut": token[:-1],
        "no token": "",
    }[change]
    assert TOKENS.claim(changed) is None


@given(st.text())
def test_nothing_else_is_a_token(text: str) -> None:
    """Whatever a caller sends is answered, not crashed on."""
    assert TOKENS.claim(text) is None
