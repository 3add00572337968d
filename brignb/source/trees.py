"""Work trees that are made once and held by whoever uses them.

    hold ──▶ there? ──yes──▶ HeldTree
               │ no
               └──▶ somebody makes it? ──no──▶ make it aside, rename it ──▶ HeldTree
                            └─ yes ──▶ wait with them

A tree that nobody holds is kept, up to a number and a size; those used longest ago go first. Beside each stands a stamp: its size, the
boot it was made in, and as its time of change the last use. Trees of another boot are made afresh: files that a crash of the machine
left empty look like any others.

What must never happen: a tree taken away or changed while somebody holds it, half a tree, or a build that waits for a deletion. One
server has a home, so one process has this folder.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import os
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from brignb.source.seam import HeldTree

log = logging.getLogger("brignb.source")

TREES_MAX: Final = 200
"""Trees in a home; those that are held may be more."""
BYTES_MAX: Final = 8 * 1024**3
"""Bytes of disk that a home's trees take; files shared with the mirror count by their share."""
_STAMP: Final = ".stamp"
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


@dataclass(slots=True)
class _Tree:
    folder: Path
    size: int = 0
    holders: int = 0  # and those who wait for it
    making: asyncio.Task[None] | None = None

    @property
    def stamp(self) -> Path:
        return self.folder.with_name(self.folder.name + _STAMP)


class Trees:
    """See the module.

    Args:
        root: `<group>/<name>` are the trees; made when it is not there.
        count: Trees that are kept while nobody holds them.
        size: Bytes.
    """

    def __init__(self, root: Path, *, count: int = TREES_MAX, size: int = BYTES_MAX) -> None:
        self._root = root
        self._count = count
        self._size = size
        self._boot = _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""
        self._doomed: list[Path] = []
        self._deleting: set[asyncio.Task[None]] = set()
        self._aside = itertools.count(1)
        self._trees = self._found()  # the last used stands last

    async def hold(self, group: str, name: str, make: Callable[[Path], Awaitable[None]]) -> HeldTree:
        """A tree, held until it is released.

        Args:
            group: A folder's name.
            name: A folder's name; says all that tells one tree of the group from another.
            make: Makes the tree in a folder that is not there; is canceled when nobody waits for it any more.

        Raises:
            Exception: Whatever `make` raised, to all who waited.
        """
        self._delete(*self._doomed)
        self._doomed.clear()
        key = f"{group}/{name}"
        tree = self._trees.pop(key, None)
        if tree is None or not (tree.making or tree.folder.is_dir()):
            tree = _Tree(self._root / key)
            tree.making = asyncio.create_task(self._make(tree, make))
            tree.making.add_done_callback(partial(self._made, key, tree))
        self._trees[key] = tree
        tree.holders += 1
        try:
            if tree.making is not None:
                await asyncio.shield(tree.making)
            tree.stamp.touch()
        except BaseException:
            tree.holders -= 1
            await self._give_up(key, tree)
            raise
        self._evict()
        return HeldTree(tree.folder, partial(self._let_go, tree))

    async def close(self) -> None:
        """Wait for what is being deleted."""
        while self._deleting:
            await asyncio.wait(self._deleting)

    async def _make(self, tree: _Tree, make: Callable[[Path], Awaitable[None]]) -> None:
        tree.folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        aside = self._aside_of(tree)
        try:
            await make(aside)
            tree.size = await asyncio.to_thread(_size, aside)
            tree.stamp.write_text(json.dumps({"bytes": tree.size, "boot": self._boot}))
            aside.rename(tree.folder)
        except BaseException:
            self._delete(aside)
            raise

    def _made(self, key: str, tree: _Tree, making: asyncio.Task[None]) -> None:
        tree.making = None
        failed = making.cancelled() or making.exception() is not None
        if failed and self._trees.get(key) is tree:
            del self._trees[key]

    async def _give_up(self, key: str, tree: _Tree) -> None:
        """Nobody waits for it: it need not be made."""
        making = tree.making
        if tree.holders or making is None:
            return
        if self._trees.get(key) is tree:
            del self._trees[key]  # who asks from now on has another made
        making.cancel()
        await asyncio.wait({making})

    def _let_go(self, tree: _Tree) -> None:
        tree.holders -= 1
        self._evict()

    def _evict(self) -> None:
        count, size = len(self._trees), sum(tree.size for tree in self._trees.values())
        if count <= self._count and size <= self._size:
            return
        for key in [key for key, tree in self._trees.items() if not tree.holders]:
            if count <= self._count and size <= self._size:
                break
            tree = self._trees.pop(key)
            count, size = count - 1, size - tree.size
            self._delete(self._put_aside(tree))

    def _put_aside(self, tree: _Tree) -> Path:
        aside = self._aside_of(tree)
        with contextlib.suppress(FileNotFoundError):  # somebody tidied up; then it is gone as it should be
            tree.folder.rename(aside)
        tree.stamp.unlink(missing_ok=True)
        return aside

    def _aside_of(self, tree: _Tree) -> Path:
        return tree.folder.with_name(f".{tree.folder.name}.{os.getpid()}.{next(self._aside)}")

    def _delete(self, *folders: Path) -> None:
        for folder in folders:
            task = asyncio.create_task(asyncio.to_thread(_remove, folder))
            self._deleting.add(task)
            task.add_done_callback(self._deleting.discard)

    def _found(self) -> dict[str, _Tree]:
        """What earlier servers have left; what is no whole tree of this boot is to go."""
        found: list[tuple[float, str, _Tree]] = []
        for path in sorted(self._root.glob("*/*")):
            tree = _Tree(path)
            if path.suffix == _STAMP:
                if not path.with_name(path.name.removesuffix(_STAMP)).is_dir():
                    self._doomed.append(path)
                continue
            size = self._stamped(tree)
            if size is None:
                self._doomed.append(self._put_aside(tree))
            else:
                tree.size = size
                found.append((tree.stamp.stat().st_mtime, f"{path.parent.name}/{path.name}", tree))
        return {key: tree for _, key, tree in sorted(found, key=lambda one: one[:2])}

    def _stamped(self, tree: _Tree) -> int | None:
        """A tree's size as its stamp has it; None: it has none, or one of another boot."""
        if tree.folder.name.startswith("."):
            return None
        try:
            stamp = json.loads(tree.stamp.read_text())
        except (FileNotFoundError, ValueError):
            return None
        return int(stamp["bytes"]) if stamp.get("boot") == self._boot else None


def _size(folder: Path) -> int:
    """Bytes on the disk; of a file with several links its share."""
    total = 0
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            stat = os.lstat(f"{place}/{name}")
            total += stat.st_blocks * 512 // (1 if name in folders else stat.st_nlink)
    return total


def _remove(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("%s cannot be deleted, which is tried again at the next start: %s", path, error)
