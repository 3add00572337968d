"""Folders that `brignb debug` finds where it would make one."""

from __future__ import annotations

import json

import pytest

from brignb.errors import Conflict
from brignb.wiring.debugging import _made_before


@pytest.mark.parametrize("facts", ["{", "[]", "{}", '{"build": {"id": "another"}, "notebook": "a.ipynb"}', "\udcff"])
def test_what_is_not_of_the_build_is_left_alone(tmp_path, facts) -> None:
    """One clear line, and nothing overwritten, whatever stands there."""
    (tmp_path / ".brignb").mkdir()
    (tmp_path / ".brignb" / "debug.json").write_bytes(facts.encode(errors="surrogateescape"))
    with pytest.raises(Conflict, match="holds something else"):
        _made_before(tmp_path, "one")


def test_what_is_of_the_build_is_opened_again(tmp_path) -> None:
    """With the author's edits."""
    (tmp_path / ".brignb").mkdir()
    (tmp_path / ".brignb" / "debug.json").write_text(json.dumps({"build": {"id": "one"}, "notebook": "a.ipynb"}))
    assert _made_before(tmp_path, "one") == tmp_path / "a.ipynb"
