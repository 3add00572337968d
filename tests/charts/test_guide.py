"""What the guide writes into values files is what the charts take: a reader copies it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from charts.chart import Chart

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow
_BLOCK = re.compile(r"^```yml\n(.*?)^```", re.MULTILINE | re.DOTALL)


def values() -> list[dict]:
    """Of `values.yaml`, of an Argo CD Application, of Flux's HelmRelease."""
    blocks = [yaml.safe_load(text) for text in _BLOCK.findall((ROOT / "docs/kubernetes.md").read_text("utf-8"))]
    taken = []
    for block in blocks:
        spec = block.get("spec", {})
        taken.append(spec["source"]["helm"]["valuesObject"] if "source" in spec else spec.get("values", block))
    return taken


@pytest.mark.parametrize("given", values())
def test_the_guides_values_are_taken(given, tmp_path):
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump(given))
    assert Chart("brignb").rendered("-f", file)
