"""The bodies in this folder, and those that `brignb.testing` ships, read once; README.md says where each is from."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_SHIPPED = _HERE.parents[1] / "brignb" / "testing" / "recorded"


@cache
def github() -> dict[str, list[dict[str, Any]]]:
    """GitHub's payloads by event."""
    return json.loads(gzip.decompress((_SHIPPED / "github.json.gz").read_bytes()))


@cache
def other() -> dict[str, str]:
    """Other senders' bodies as text, by `sender/file`."""
    senders = json.loads(gzip.decompress((_HERE / "other.json.gz").read_bytes()))
    return {f"{sender}/{name}": body for sender, bodies in senders.items() for name, body in bodies.items()}


@cache
def registries() -> dict[str, Any]:
    """Container registries' bodies by name."""
    return {name: entry["body"] for name, entry in json.loads((_SHIPPED / "registries.json").read_text()).items()}
