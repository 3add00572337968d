"""The room of one worker: which folders it sees besides the read-only machine, and how much it may take.

A plain value: it travels with the `Assignment`, and `brignb.zygote.walls` makes it true before any user code runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PROCESSES: int = 1024
"""Of a build at a time, unless its project says otherwise: enough for any pipeline, too few for a fork bomb."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """See the module. Paths are the machine's own, absolute.

    Args:
        tree: The read-only tree that is seen at `/src`, below a layer that takes what is written; None: see `folder`.
        layer: Where that layer is kept; made when it is not there.
        folder: The private folder that stands at `/src` when there is no `tree`.
        own: Folders that it sees, and may write in, at their own paths.
        hidden: Folders of which it sees nothing but what is `own`.
        kept: Folders that stay in sight though they are below `/tmp`, such as the Python that runs us.
        memory: Bytes of data that each of its processes may have; None: as the machine allows.
        processes: At a time.
    """

    tree: str | None = None
    layer: str | None = None
    folder: str | None = None
    own: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    memory: int | None = None
    processes: int = PROCESSES

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Room:
        """The inverse of `to_json`."""
        lists = {name: tuple(value) for name, value in data.items() if isinstance(value, list | tuple)}
        return cls(**{**data, **lists})
