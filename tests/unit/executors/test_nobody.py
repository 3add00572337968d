"""The executor as a user without any power: most servers should run so, and CI runs as root."""

from __future__ import annotations

import subprocess

import pytest

from .conftest import ROOT

ASKED = (
    "exit_codes or timeout_kills or outlives or environment or git or source or storage or artifacts or refused or once"
)


@pytest.mark.slow
def test_the_contract_holds_for_nobody(nobody):
    """In both of its ways: bubblewrap takes a user namespace there, which changes much."""
    argv = [
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        f"--basetemp={nobody.folder}/t",
        "-k",
        f"({ASKED}) and (bubblewrap or supervised)",
    ]
    argv = nobody.argv(*nobody.python(), *argv, str(ROOT / "tests" / "contract" / "test_executor.py"))
    done = subprocess.run(
        argv, cwd=ROOT, env=nobody.environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert "skipped" not in done.stdout.splitlines()[-1]
