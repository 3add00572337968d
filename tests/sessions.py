"""A session of the author's words for a test: real processes, real files, and everything that was told of."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from brignb.archive.files import FileArchive
from brignb.executors.process import ProcessExecutor
from brignb.model.builds import JobRecord
from brignb.model.names import new_id
from brignb.model.redaction import Redactor
from brignb.model.secrets import Secrets
from brignb.script import portal
from brignb.script import session as sessions
from brignb.script.registry import events
from brignb.script.session import Session

SECRETS = {"TOKEN": "s3cr3t-token-value", "HOOK": "https://hooks.example.com/T0/B0/key"}


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass
class Heard:
    """What a host would have heard."""

    told: list[JobRecord] = field(default_factory=list)
    emitted: list[tuple[str, str]] = field(default_factory=list)
    sizes: list[tuple[str, int]] = field(default_factory=list)

    def states(self, job_id: str | None = None) -> list[str]:
        return [str(each.state) for each in self.told if job_id in {None, each.id}]


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def session(tmp_path: Path, heard: Heard):
    """Entered; jobs run as real processes without a sandbox, in a source folder of their own."""

    async def emit(kind: str, payload: str) -> str:
        heard.emitted.append((kind, payload))
        return "taken"

    source = tmp_path / "source"
    source.mkdir()
    now = now_ms()
    made = Session(
        build_id=new_id(now, b"0123456789"),
        build_ms=now,
        project_name="example/demo",
        clone_url="https://example.com/demo.git",
        secrets=Secrets(SECRETS, project="example/demo"),
        executor=ProcessExecutor(tmp_path / "work", now_ms=now_ms, cache=tmp_path / "cache", sandboxed=False),
        archive=FileArchive(tmp_path / "builds"),
        redactor=Redactor(SECRETS.values()),
        source=lambda: str(source),
        told=heard.told.append,
        progressed=lambda job_id, size: heard.sizes.append((job_id, size)),
        emit=emit,
    )
    sessions.enter(made)
    events.clear()
    yield made
    portal.submit(made.executor.close()).result()
    events.clear()
    sessions.enter(None)
