"""A bounded memory of what was made or read before: those used longest ago are forgotten first.

What must never happen: more entries, or more bytes, than the bounds; what is larger than all of it is not kept.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """See the module. One thread uses it.

    Args:
        count: Entries.
        size: Bytes, as `put` is told them.
    """

    def __init__(self, *, count: int, size: int) -> None:
        self._count = count
        self._size = size
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()  # the last used stands last
        self.bytes = 0
        """Of all entries."""

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K) -> V | None:
        """What was kept; None: nothing."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: K, value: V, size: int) -> None:
        """Keep a value of so many bytes, instead of the key's earlier one."""
        _, old = self._entries.pop(key, (None, 0))
        self.bytes -= old
        if size > self._size:
            return
        self._entries[key] = (value, size)
        self.bytes += size
        while self.bytes > self._size or len(self._entries) > self._count:
            _, (_, gone) = self._entries.popitem(last=False)
            self.bytes -= gone
