"""Handlers under test: real payloads, an executor that runs nothing and remembers all, a plugin for pytest; and a server for a while.

    from brignb.testing import FakeExecutor, fire, payloads

    def test_a_push_builds():
        done = fire("brignb.ipynb", payloads.github("push"), executor=FakeExecutor().job("build", outputs={"wheel": "a.whl"}))
        assert done.job_names == ["build", "test"]

    recorded body ──▶ its gateway ──▶ Event ──▶ fire ──▶ handlers ──▶ FakeExecutor ──▶ Fired

Importing this costs nothing: each name is loaded when it is asked for, since pytest loads the plugin in every project.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from brignb.testing import payloads
    from brignb.testing.executor import FakeExecutor, Ran
    from brignb.testing.firing import Fired, fire
    from brignb.testing.server import LocalServer, Server

__all__ = ["FakeExecutor", "Fired", "LocalServer", "Ran", "Server", "fire", "payloads"]

_HOMES = {
    "FakeExecutor": "executor",
    "Ran": "executor",
    "Fired": "firing",
    "LocalServer": "server",
    "Server": "server",
    "fire": "firing",
}


def __getattr__(name: str) -> Any:
    if name == "payloads":
        return importlib.import_module("brignb.testing.payloads")
    if name not in _HOMES:
        raise AttributeError(f"module 'brignb.testing' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"brignb.testing.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
