"""`$BRIGNB_HOME`: what is where, who may read it, and who has it now (contract, "Home").

The folder is 0700; `key` and `token` are 0600, or somebody else's files that only our group may read too, as Kubernetes mounts a
Secret. One server at a time has a home: it holds a lock on the file `lock` for as long as it lives, so that no two controllers ever
run one store. Of a server in parts that is the controller; an API beside it has a lock of its own, and gateways have none.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import stat
from pathlib import Path
from typing import Any, TextIO

from brignb.client.address import find_home
from brignb.errors import BadInput, Conflict


def home_path(given: Path | None = None) -> Path:
    """`--home`, else what the client looks in too; absolute."""
    return given.expanduser().absolute() if given else find_home()


class Home:
    """See the module.

    Args:
        root: The folder; made when it is not there.
        key: Where the key is, when it is elsewhere.
        token: Where the token is, likewise.

    Raises:
        BadInput: It cannot be made or written to, or others may look into it.
    """

    def __init__(self, root: Path, *, key: Path | None = None, token: Path | None = None) -> None:
        self.root = root
        self.builds = root / "builds"
        self.sources = root / "sources"
        self.trees = root / "trees"
        self.trees_beside = root / "trees-api"
        self.work = root / "work"
        self.cache = root / "cache"
        self.key = key or root / "key"
        self._token = token or root / "token"
        self.database = root / "brignb.db"
        self.shared = (self.builds, self.work, self.cache, self.trees)
        self._locks: list[TextIO] = []
        self._announced = False
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self.sources, *self.shared):
                folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise BadInput(
                f"cannot make it: {error.strerror}", where=str(root), hint="choose another --home"
            ) from error
        mode = stat.S_IMODE(root.stat().st_mode)
        if mode & 0o077:
            raise BadInput(
                f"others may look into it (mode {mode:04o})",
                where=str(root),
                hint=f"chmod 700 {root}, or choose another --home",
            )

    def acquire(self, name: str = "lock") -> None:
        """Have it, until `release` or this process's end.

        Args:
            name: The lock's.

        Raises:
            Conflict: Another server has it.
        """
        lock = (self.root / name).open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise Conflict(
                "another server has it", where=str(self.root), hint="stop that one, or give this one another --home"
            ) from error
        self._locks.append(lock)

    def release(self) -> None:
        """Let it go, and say that no server is there any more."""
        if self._announced:
            (self.root / "server.json").unlink(missing_ok=True)
        while self._locks:
            self._locks.pop().close()

    def token(self) -> str:
        """The API's token; made on first use."""
        path = self._token
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            token = path.read_text().strip()
            if not token:
                raise BadInput("it is empty", where=str(path), hint="delete it; a new one is made") from None
            return token
        with os.fdopen(fd, "w") as file:
            token = secrets.token_urlsafe(32)
            file.write(token + "\n")
        return token

    def announce(self, facts: dict[str, Any]) -> None:
        """Write `server.json`: where the running server is."""
        draft = self.root / "server.json.new"
        draft.write_text(json.dumps(facts) + "\n")
        draft.replace(self.root / "server.json")
        self._announced = True
