"""The Source seam: resolve a revision, read the notebook at it, make a checkout.

    project, revision ──▶ resolve ──▶ commit ──▶ notebook(commit) ──▶ text
                                           └───▶ checkout(commit, folder) ──▶ a git work tree

A bare mirror per project is kept warm. Credentials (ssh key, ssh certificate, token) never stand on a command line, in a URL that
is shown, or in the mirror's configuration.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from brignb.model.events import Revision
from brignb.model.projects import Project


class Source(Protocol):
    """See the module."""

    async def resolve(self, project: Project, revision: Revision, *, any_commit: bool) -> str:
        """The commit's full digest, fetched when the mirror lacks it (or when a ref is asked for, which may have moved).

        Args:
            project: With its credentials; `clone_url` is not None.
            revision: Commit wins over ref; neither: the remote's HEAD.
            any_commit: Whether a commit that no branch or tag reaches may be built.

        Raises:
            SourceError: `commit_not_found`, `ref_not_found`, `repository_unreachable`, `untrusted_commit`.
        """

    async def notebook(self, project: Project, commit: str, path: str) -> bytes | None:
        """A file's bytes at a commit; None when there is none.

        Raises:
            SourceError: `notebook_invalid` when the path leaves the repository or names no file.
        """

    async def checkout(self, project: Project, commit: str, folder: Path) -> None:
        """Make `folder` a git work tree of that commit, with a `.git` that works there, and submodules when the project wants them.

        Raises:
            SourceError: `submodules_failed`, `repository_unreachable`.
        """

    async def close(self) -> None:
        """End what was kept open."""
