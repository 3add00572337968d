"""Real git repositories for tests, made without the user's configuration."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.com",
    "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
    "GIT_TEMPLATE_DIR": "",
    "GIT_ALLOW_PROTOCOL": "file",
}


class Repo:
    """A repository with a work tree.

    Args:
        folder: Where it is.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def new(cls, folder: Path, *, kind: str = "sha1") -> Repo:
        """An empty one, on the branch main."""
        folder.mkdir(parents=True)
        repo = cls(folder)
        repo.git("init", "--quiet", "--initial-branch=main", f"--object-format={kind}")
        return repo

    @property
    def url(self) -> str:
        return self.folder.as_uri()

    def git(self, *args: str | Path) -> str:
        """Run git in it; what it printed."""
        done = subprocess.run(
            ["git", *map(str, args)], cwd=self.folder, env=ENVIRONMENT, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    def commit(self, files: dict[str, str], message: str = "change") -> str:
        """Write files and commit them; the commit's digest."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")
