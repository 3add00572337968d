"""A real shell with the extension, a session, and a server without workers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from appsite import TOKEN, services, site, site_with
from IPython.core.completer import provisionalcompleter
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from sessions import heard, session
from traitlets.config import Config

from brignb import Job, events, project
from brignb.magics.loading import load_ipython_extension

__all__ = ["heard", "services", "session", "site", "site_with"]


@dataclass
class Typed:
    """A shell, as an author uses it."""

    shell: InteractiveShell

    def run(self, cell: str) -> Any:
        """A cell's last value; what it raised is raised."""
        done = self.shell.run_cell(cell)
        done.raise_error()
        return done.result

    def wrong(self, cell: str) -> str:
        """What a usage error says."""
        with pytest.raises(UsageError) as error:
            self.run(cell)
        return str(error.value)

    async def aside(self, cell: str) -> Any:
        """A cell that asks a server which lives on this test's loop."""
        return await asyncio.to_thread(self.run, cell)

    def completed(self, line: str) -> list[str]:
        """The line, completed in each way; as a kernel asks."""
        with provisionalcompleter():
            return [line[: each.start] + each.text for each in self.shell.Completer.completions(line, len(line))]


@pytest.fixture(scope="module")
def _shell():
    config = Config()
    config.HistoryManager.enabled = False
    InteractiveShell.clear_instance()  # an engine's shell that an earlier test of this process left is no terminal's
    made = InteractiveShell.instance(config=config)
    yield made, set(made.user_ns)
    InteractiveShell.clear_instance()


@pytest.fixture
def typed(_shell, session):
    shell, first = _shell
    for name in shell.user_ns.keys() - first:  # `shell.reset` would collect garbage, too: most of a test's time
        del shell.user_ns[name]
    shell.user_ns.update(events=events, Job=Job, project=project)
    load_ipython_extension(shell)
    return Typed(shell)


@pytest.fixture
def here(site, monkeypatch):
    """The server is the one that the magics find."""
    monkeypatch.setenv("BRIGNB_SERVER", site.url)
    monkeypatch.setenv("BRIGNB_TOKEN", TOKEN)
    return site


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """No server."""
    monkeypatch.delenv("BRIGNB_SERVER", raising=False)
    monkeypatch.setenv("BRIGNB_HOME", str(tmp_path / "no-home"))
