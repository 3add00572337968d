"""The projects in memory, opened: every request asks for one, and unsealing takes time that a stranger could measure.

All of them are held or none: a name that is not there costs as little as one that is. Who changes them clears the shelf: this
process's own writer, or the word of another process (`line`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from brignb.model.projects import Project


@dataclass(frozen=True, slots=True)
class _Held:
    projects: tuple[Project, ...]
    by_name: dict[str, Project]
    """By v1's ids too: a name has a slash, an id has none."""


class Shelf:
    """Reads the projects once after each change.

    Args:
        read: Reads all of them.
    """

    def __init__(self, read: Callable[[], Awaitable[tuple[Project, ...]]]) -> None:
        self._read = read
        self._reading = asyncio.Lock()
        self._changes = 0
        self._held: _Held | None = None

    async def get(self, name: str) -> Project | None:
        """By name or by v1's id."""
        held = self._held or await self._fetched()
        return held.by_name.get(name)

    async def all(self) -> tuple[Project, ...]:
        """As they were read."""
        held = self._held or await self._fetched()
        return held.projects

    def clear(self) -> None:
        """They have changed; also a reading that is on its way may be too old."""
        self._changes += 1
        self._held = None

    async def _fetched(self) -> _Held:
        async with self._reading:
            if self._held is not None:
                return self._held  # somebody else's reading, waited for
            changes = self._changes
            found = await self._read()
            held = _Held(found, {name: project for project in found for name in (project.name, project.id)})
            if changes == self._changes:
                self._held = held
            return held
