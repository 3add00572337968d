"""What the record of a build says that a notebook handled, without a server."""

from __future__ import annotations

import pytest

from brignb.wiring.handling import _fenced


@pytest.mark.parametrize(
    ("source", "fence"), [("pass", "```"), ('"""\n```\n<b>\n```\n"""', "````"), ("`````", "``````")]
)
def test_a_handlers_source_stays_code(source, fence) -> None:
    """A fence in a docstring would end it, and what follows would be markup."""
    assert _fenced(source) == f"{fence}python\n{source}\n{fence}"
