"""The live views, in a real JupyterLab: what `tests/browser/test_speed.py` reports."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.bench.serving import ROOT, line


def bench_views() -> None:
    """Says why when there is nothing to measure with."""
    argv = [sys.executable, "-m", "pytest", "-q", "-rs", "tests/browser/test_speed.py"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    found = re.findall(r"^  (\S.*?)\s{2,}(\S.*)$|^  (  \S.*?)\s{2,}(\S.*)$", done.stdout, re.MULTILINE)
    for one in found:
        what, figure = (part for part in one if part)
        line(what, figure, "", "")
    if done.returncode or not found:
        line("live views", "not measured", done.stdout.strip().splitlines()[-1], "")
