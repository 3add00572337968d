from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import pytest
from appsite import TOKEN, refused, services, site, site_with

from brignb import cli

__all__ = ["refused", "services", "site", "site_with"]


@dataclass
class Ended:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home; nothing of this machine's own is looked at."""
    for name in ("BRIGNB_SERVER", "BRIGNB_TOKEN", "BRIGNB_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("BRIGNB_HOME", str(folder))
    monkeypatch.setenv("COLUMNS", "200")
    return folder


@pytest.fixture
def brignb(home, capsys):
    """Runs a command in this process; answers its exit code and what it printed."""

    def run(*args: object) -> Ended:
        capsys.readouterr()
        code = cli.main([str(arg) for arg in args])
        return Ended(code, *capsys.readouterr())

    return run


@pytest.fixture
def remote(site, home, brignb):
    """The same, beside a running server."""
    (home / "server.json").write_text(json.dumps({"url": site.url}))
    (home / "token").write_text(TOKEN + "\n")

    async def run(*args: object) -> Ended:
        return await asyncio.to_thread(brignb, *args)

    return run
