"""Kept exports: what is found again, what must be made anew, what is forgotten, and that no secret is kept."""

from __future__ import annotations

import asyncio
import json

import pytest

from brignb.export import cache as cache_module
from brignb.export import check, to_bytes
from brignb.export.cache import Exports
from brignb.export.problems import Unexportable

USUAL = {"name": "x.ipynb", "commit": "c" * 40, "secrets": ("a-secret",)}


def notebook(source: str = "1 + 1") -> bytes:
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": source}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


@pytest.fixture
def made(monkeypatch) -> list[bytes]:
    """Every notebook that was exported indeed."""
    found: list[bytes] = []

    def counting(raw, **facts):
        found.append(raw)
        return check(raw, **facts)

    monkeypatch.setattr(cache_module, "check", counting)
    return found


async def test_the_same_is_made_once(made):
    """The usual build: a known commit of a known project; large notebooks, which are digested elsewhere, too."""
    exports = Exports()
    for raw in (notebook(), notebook("#" * 300_000)):
        first = await exports.ready(raw, **USUAL)
        assert await exports.ready(raw, **USUAL) is first
        assert first.content == to_bytes(check(raw, name="x.ipynb", commit="c" * 40))
    assert len(made) == 2


async def test_the_order_of_secrets_does_not_matter(made):
    exports = Exports()
    await exports.ready(notebook(), **{**USUAL, "secrets": ("one-secret", "another")})
    await exports.ready(notebook(), **{**USUAL, "secrets": ("another", "one-secret")})
    assert len(made) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"name": "y.ipynb"},
        {"commit": "d" * 40},
        {"commit": None},
        {"secrets": ()},
        {"secrets": ("b-secret",)},
        {"secrets": ("a-secret", "")},
        {"secrets": ("a-", "secret")},
    ],
)
async def test_whatever_it_depends_on_makes_another(made, other):
    """Name and commit stand in the worker notebook; secrets decide whether it may be exported at all."""
    exports = Exports()
    await exports.ready(notebook(), **USUAL)
    changed = {**USUAL, **other}
    ready = await exports.ready(notebook(), **changed)
    assert len(made) == 2
    assert ready.content == to_bytes(check(notebook(), name=changed["name"], commit=changed["commit"]))


async def test_a_new_secret_is_looked_for_in_a_known_notebook(made):
    """A notebook that was fine must not be taken for fine when what stands in it becomes a secret."""
    exports = Exports()
    raw = notebook("token = 'h4rd-coded'")
    await exports.ready(raw, **USUAL)
    with pytest.raises(Unexportable, match="secret"):
        await exports.ready(raw, **{**USUAL, "secrets": ("a-secret", "h4rd-coded")})


async def test_a_failure_is_told_each_time(made):
    exports = Exports()
    for _ in range(2):
        with pytest.raises(Unexportable, match="does not compile"):
            await exports.ready(notebook("def"), **USUAL)
    assert len(made) == 2


async def test_those_used_longest_ago_are_forgotten(made):
    exports = Exports(count=2)
    for source in ("1", "2", "1", "3", "1", "2"):
        await exports.ready(notebook(source), **USUAL)
    assert made == [notebook(source) for source in ("1", "2", "3", "2")]


async def test_large_ones_are_not_kept_for_ever(made):
    """The bound by bytes; a notebook larger than all of it is made each time."""
    exports = Exports(size=2000)
    for source in ("1", "#" * 3000, "#" * 3000, "1"):
        await exports.ready(notebook(source), **USUAL)
    assert len(made) == 3


async def test_two_builds_at_once(made):
    """Both may make it; it counts once."""
    exports = Exports()
    one, other = await asyncio.gather(*(exports.ready(notebook(), **USUAL) for _ in range(2)))
    assert one.content == other.content
    assert exports._kept.bytes == len(one.content)


async def test_no_secret_is_kept(made):
    """Not even in a form that somebody could try guesses on: two caches have different keys for the same."""
    keys = []
    for _ in range(2):
        exports = Exports()
        await exports.ready(notebook(), **USUAL)
        assert "a-secret" not in repr(vars(exports._kept))
        keys += exports._kept._entries
    assert keys[0] != keys[1]
