"""A chart of this repository under test: what Helm says of it, its values' schema, and the README's table of them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kube
import yaml

CHARTS = Path(__file__).parents[2] / "deploy" / "charts"
RELEASE = "brignb"


class Chart:
    """See the module.

    Args:
        name: Of its folder.
    """

    def __init__(self, name: str) -> None:
        self.folder = CHARTS / name
        self.schema: dict[str, Any] = json.loads((self.folder / "values.schema.json").read_text("utf-8"))

    def helm(self, verb: str, *words: object, code: int = 0) -> str:
        """Runs it on the chart; answers what it printed, both ways."""
        kube.need_program("helm")
        release = [] if verb == "lint" else [RELEASE]
        asked = ["helm", verb, *release, str(self.folder), *map(str, words)]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def rendered(self, *words: object, namespace: str = "brignb") -> list[dict[str, Any]]:
        """What would be made."""
        return [each for each in yaml.safe_load_all(self.helm("template", "-n", namespace, *words)) if each]

    def values(self) -> dict[str, dict[str, Any]]:
        """Each value's schema, by its dotted name, in the schema's order."""
        return dict(_values(self.schema["properties"]))

    def table(self) -> list[list[str]]:
        """The cells of the README's table of values, row by row."""
        lines = (self.folder / "README.md").read_text("utf-8").splitlines()
        return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("| `")]


def _values(properties: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, fields in properties.items():
        if "properties" in fields and name != "resources":  # those are Kubernetes' own, and one value
            yield from _values(fields["properties"], f"{prefix}{name}.")
        elif name != "global":  # Helm's own
            yield prefix + name, fields
