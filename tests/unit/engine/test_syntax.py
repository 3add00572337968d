"""Syntax: what the compiler and IPython say, without executing anything."""

from __future__ import annotations

import subprocess
import sys

import pytest

from brignb.engine.syntax import flaw, plain


@pytest.mark.parametrize(
    ("source", "is_plain"),
    [("x = 1", True), ("await f()", True), ("%time f()", False), ("!ls", False), ("x = (", False)],
)
def test_plain_is_python_without_ipython(source: str, is_plain: bool) -> None:  # noqa: FBT001
    assert plain(source) is is_plain


@pytest.mark.parametrize(
    ("source", "line"),
    [("x = 1\ny = (", 2), ("!ls\nx = (", 2), ("%%capture\n\nx = (", 3), ("'\ud800'", 1), ("yield", 1)],
)
def test_a_flaw_has_its_line(source: str, line: int) -> None:
    found = flaw(source)
    assert found is not None
    assert found.line == line
    assert found.message


def test_a_strange_escape_is_no_flaw_and_no_noise(recwarn: pytest.WarningsRecorder) -> None:
    """The server checks strangers' notebooks; their warnings are not its own."""
    assert flaw("'\\d'") is None
    assert not recwarn.list


def test_plain_notebooks_do_not_cost_ipython() -> None:
    """The server exports every build's notebook."""
    check = "import sys, brignb.engine.syntax as s; s.flaw('x = 1'); sys.exit('IPython' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
