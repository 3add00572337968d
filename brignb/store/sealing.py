"""Secrets at rest: AES-256-GCM under one key, which lives in a file of its own beside the database.

    sealed = version (1 byte) ‖ nonce (12 bytes, fresh each time) ‖ ciphertext and tag

The context (the project's name) is authenticated with it: a sealed value moved to another project's row does not open. What must
never happen: a key or a clear value in an error, or a key file that others can read.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from brignb.errors import Unavailable

KEY_BYTES: Final = 32
_VERSION: Final = b"\x01"
_NONCE_BYTES: Final = 12
_OTHERS: Final = 0o077
_STRANGERS: Final = 0o037
"""But the group may read."""


class Sealer:
    """Seals and opens JSON objects.

    Args:
        key: 32 bytes.
        origin: Where the key is from, for errors.
        entropy: Answers that many random bytes; a nonce must never come twice.
    """

    def __init__(self, key: bytes, *, origin: str = "key", entropy: Callable[[int], bytes] = os.urandom) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes, not {len(key)}")
        self.origin = origin
        self._cipher = AESGCM(key)
        self._entropy = entropy

    def seal(self, value: Mapping[str, Any], context: str) -> bytes:
        """Encrypt a JSON object for a context."""
        nonce = self._entropy(_NONCE_BYTES)
        clear = json.dumps(value).encode()
        return _VERSION + nonce + self._cipher.encrypt(nonce, clear, context.encode())

    def open(self, sealed: bytes, context: str) -> dict[str, Any]:
        """The inverse of `seal`.

        Raises:
            Unavailable: Sealed with another key, for another context, by a later version, or damaged.
        """
        version, nonce, ciphertext = sealed[:1], sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        if version != _VERSION:
            raise Unavailable("the secrets were sealed by a later version of brignb", where=context)
        try:
            opened: dict[str, Any] = json.loads(self._cipher.decrypt(nonce, ciphertext, context.encode()))
        except (InvalidTag, ValueError):
            raise Unavailable(
                "the secrets in the database were sealed with another key",
                where=self.origin,
                hint=f"put back the `key` file that belongs to this database at {self.origin}",
            ) from None
        return opened


def load_key(path: Path) -> bytes:
    """The key in a file; a new one is made, 0600, when there is no such file.

    The file appears whole or not at all: it is written beside its place and linked to it, which fails if another process was
    faster, and then that one's key is taken.

    Our own file is for us alone. One that was given to us by way of our group, as Kubernetes does with a Secret's, is that group's.

    Raises:
        Unavailable: Others may read the file, it has a wrong size, or it cannot be read or made.
    """
    try:
        if not path.exists():
            _make_key(path)
        with path.open("rb") as file:
            facts = os.fstat(file.fileno())
            key = file.read(KEY_BYTES + 1)
    except OSError as error:
        raise Unavailable(f"the key file cannot be used: {error.strerror}", where=str(path)) from error
    mode = stat.S_IMODE(facts.st_mode)
    if mode & (_OTHERS if facts.st_uid == os.geteuid() else _STRANGERS):
        hint = f"chmod 600 {path}; of a Secret's volume: defaultMode: 0440, and fsGroup"
        raise Unavailable(f"others may read the key file (mode {mode:04o})", where=str(path), hint=hint)
    if len(key) != KEY_BYTES:
        raise Unavailable(
            f"a key file has {KEY_BYTES} bytes; this one has {'more' if len(key) > KEY_BYTES else len(key)}",
            where=str(path),
            hint="put back the right file; without it the secrets in the database are lost, and the projects must be created anew",
        )
    return key


def _make_key(path: Path) -> None:
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # 0600, and made by nobody else
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.urandom(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        _sync_folder(path.parent)
    finally:
        Path(draft).unlink()


def _sync_folder(folder: Path) -> None:
    """Make a new name in a folder survive a power loss."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
