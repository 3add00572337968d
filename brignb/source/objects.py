"""Reading a mirror's objects through one `git cat-file --batch` that stays open: no process is started for a read.

What must never happen: a name with a newline in it, which would be two questions, or a reader that goes on after it lost its place in
the answers; it is ended then, and the next read starts another.
"""

from __future__ import annotations

import asyncio
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from typing import Final, NamedTuple

from brignb.source.command import Git, end

SIZE_MAX: Final = 64 * 1024 * 1024
"""Bytes of an object that is read."""


class ObjectTooLarge(Exception):
    """It has more than `SIZE_MAX` bytes."""


class MirrorDamaged(Exception):
    """Git could not read the mirror."""


class Found(NamedTuple):
    """An object."""

    digest: str
    kind: str
    content: bytes


class Entry(NamedTuple):
    """An entry of a tree: its mode as git writes it (`100644`, `120000`, `40000`, `160000`), and its object."""

    mode: str
    digest: str


class Objects:
    """The objects of one mirror.

    Args:
        git: The program.
        mirror: A bare repository.
    """

    def __init__(self, git: Git, mirror: Path) -> None:
        self._git = git
        self._mirror = mirror
        self._process: Process | None = None
        self._turn = asyncio.Lock()

    @property
    def idle(self) -> bool:
        """Whether its process runs and nobody is being answered."""
        return self._process is not None and not self._turn.locked()

    async def get(self, name: str) -> Found | None:
        """An object by a name that git understands; None when there is none.

        Raises:
            ObjectTooLarge: Its content is not read.
            MirrorDamaged: Git ended instead of answering.
        """
        if "\n" in name:
            raise ValueError("a newline in an object's name")
        async with self._turn:
            settled = False
            try:
                found = await self._ask(name)
                settled = True
            finally:
                if not settled:
                    await self._end()
            return found

    async def entry(self, commit: str, path: str) -> Entry | None:
        """What a path is at a commit; None when there is nothing. Links on the way are not followed."""
        folder, _, last = path.rpartition("/")
        tree = await self.get(f"{commit}:{folder}")
        if tree is None or tree.kind != "tree":
            return None
        return entries(tree.content, len(commit) // 2).get(last.encode("utf-8", "surrogateescape"))

    async def close(self) -> None:
        """End the process, once nobody is being answered."""
        async with self._turn:
            await self._end()

    async def _ask(self, name: str) -> Found | None:
        process = self._process or await self._start()
        assert process.stdin is not None  # noqa: S101  # both are pipes
        assert process.stdout is not None  # noqa: S101
        try:
            process.stdin.write(name.encode("utf-8", "surrogateescape") + b"\n")
            await process.stdin.drain()
            head = await process.stdout.readuntil(b"\n")
            words = head.decode("utf-8", "replace").rstrip("\n").rsplit(" ", 2)
            if not words[-1].isdigit():
                return None  # `<name> missing`, `<name> ambiguous`
            digest, kind, size = words[0], words[1], int(words[2])
            if size > SIZE_MAX:
                raise ObjectTooLarge
            content = await process.stdout.readexactly(size + 1)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise MirrorDamaged(str(self._mirror)) from error
        return Found(digest, kind, content[:-1])

    async def _start(self) -> Process:
        args = (f"--git-dir={self._mirror}", "cat-file", "--batch")
        self._process = await self._git.start(*args, stdin=PIPE, stderr=DEVNULL)
        return self._process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None  # noqa: S101  # both are pipes
        assert process.stdout is not None  # noqa: S101
        process.stdin.close()
        await asyncio.gather(end(process), process.stdout.read())  # to its end, or the pipe stays open


def entries(tree: bytes, digest_size: int) -> dict[bytes, Entry]:
    """The entries of a tree object by name: mode, a space, the name, NUL and the raw digest, over and over (`git help ls-tree`)."""
    found: dict[bytes, Entry] = {}
    at = 0
    while at < len(tree):
        space, nul = tree.index(b" ", at), tree.index(b"\0", at)
        after = nul + 1 + digest_size
        found[tree[space + 1 : nul]] = Entry(tree[at:space].decode(), tree[nul + 1 : after].hex())
        at = after
    return found
