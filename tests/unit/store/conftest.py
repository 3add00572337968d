"""A store in a file of its own, and short ways to say what comes in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from brignb.model.events import DedupeKey, Draft
from brignb.model.names import new_id
from brignb.model.projects import Project
from brignb.store.sealing import Sealer
from brignb.store.seam import Accept
from brignb.store.sql import SqlStore

PROJECT = "acme/site"


@pytest.fixture
def sealer():
    return Sealer(b"k" * 32, origin="/home/of/key")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "brignb.db"


@pytest.fixture
def make_store(database, sealer) -> Callable[..., SqlStore]:
    def make(**settings):
        return SqlStore(f"sqlite:///{database}", settings.pop("sealer", sealer), **settings)

    return make


@pytest.fixture
async def store(make_store):
    store = make_store(busy_ms=50)
    await store.open()
    await store.put_project(Project(name=PROJECT), at=1)
    yield store
    await store.close()


@pytest.fixture
def arrival() -> Callable[..., Accept]:
    """The n-th arrival: same n, same ids."""

    def make(n: int, *keys: str, at: int = 1_000, project: str = PROJECT, payload: str = "{}", **draft) -> Accept:
        named = tuple(DedupeKey("delivery", key, 10_000) for key in keys)
        return Accept(
            project=project,
            draft=Draft(gateway="github", source="github", type="push", payload=payload, keys=named, **draft),
            event_id=new_id(at, b"e" + n.to_bytes(9, "big")),
            build_id=new_id(at, b"b" + n.to_bytes(9, "big")),
            at=at,
        )

    return make
