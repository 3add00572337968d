"""Exports that were made before: a project's next event mostly finds the notebook of its last one.

    bytes, name, commit, secrets ──▶ key ──▶ kept? ──yes──▶ Ready
                                              │ no
                                              └──▶ check, to_bytes, in a thread ──▶ Ready, kept

The key holds all that an export depends on: another name, commit, byte or secret is another export, so that a notebook is checked
again for a secret that was added. Secrets go into it by a digest whose key this process made up and never tells. A notebook that cannot
be exported is not kept: its next build tells the same again.

What must never happen: a secret's value in the cache, memory that grows with the number of commits, or a digest of many megabytes on
the event loop. One event loop uses it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import Iterable
from typing import Final, NamedTuple

from brignb.export.checking import check
from brignb.export.writing import Exported, to_bytes
from brignb.model.kept import Kept
from brignb.model.redaction import Redactor

COUNT_MAX: Final = 256
"""Exports that are kept."""
BYTES_MAX: Final = 32 * 1024 * 1024
"""Bytes of their files; decoded, as they are kept too, they take a few times as much."""
_QUICK: Final = 256 * 1024
"""Bytes that are digested at once, in about a quarter of a millisecond; more are in a thread."""


class Ready(NamedTuple):
    """An export and its file. It is shared: nobody may change the worker notebook in it.

    Args:
        exported: As `check` made it.
        content: As `to_bytes` made it.
    """

    exported: Exported
    content: bytes


class Exports:
    """See the module.

    Args:
        count: Exports that are kept.
        size: Bytes of files that are kept.
    """

    def __init__(self, *, count: int = COUNT_MAX, size: int = BYTES_MAX) -> None:
        self._kept: Kept[bytes, Ready] = Kept(count=count, size=size)
        self._salt = os.urandom(32)

    async def ready(self, notebook: bytes, *, name: str, commit: str | None, secrets: Iterable[str]) -> Ready:
        """A notebook's export, made or found.

        Args:
            notebook: The file's bytes.
            name: Its path, for errors and for the worker notebook's metadata.
            commit: Of its repository, when it is known.
            secrets: The values that must not stand in it.

        Raises:
            Unexportable: A `NotebookError` with everything that is wrong.
        """
        values = sorted(secrets)
        if len(notebook) > _QUICK:
            key = await asyncio.to_thread(self._key, notebook, name, commit, values)
        else:
            key = self._key(notebook, name, commit, values)
        ready = self._kept.get(key)
        if ready is None:
            ready = await asyncio.to_thread(_made, notebook, name, commit, values)
            self._kept.put(key, ready, len(ready.content))
        return ready

    def _key(self, notebook: bytes, name: str, commit: str | None, secrets: list[str]) -> bytes:
        sha256 = hashlib.sha256(notebook).hexdigest()
        whole = json.dumps([sha256, name, commit, secrets]).encode()  # JSON: no two lists have one text
        return hashlib.blake2b(whole, key=self._salt).digest()


def _made(notebook: bytes, name: str, commit: str | None, secrets: list[str]) -> Ready:
    exported = check(notebook, name=name, commit=commit, redactor=Redactor(secrets))
    return Ready(exported, to_bytes(exported))
